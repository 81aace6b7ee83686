"""A simulation of nights of many mentors in virtual time: `make scale`."""
