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

.PHONY: help clean
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile; sed -n 's/^#   //p' run.mk check.mk; sed -n 's/^# \(make .*\)/\1/p' lint.mk bench.mk install.mk
	@echo "make clean      removes what was built"
clean:
	@rm -rf build
