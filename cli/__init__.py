"""`mentor-pause`, the command line for developers and operators."""
