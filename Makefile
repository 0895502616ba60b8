# make run     a whole Mansio on this machine, for trying out and developing (README.md)
# make check   every test
# make help    everything else

VERSION := 0.1.0
PREFIX ?= /usr/local
.DEFAULT_GOAL := programs

include build.mk
include run.mk
include check.mk
include lint.mk
include install.mk
include bench.mk
