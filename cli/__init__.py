"""`mentor-pause`, the command line of developers and operators."""
