"""Runs a private instance of Mansio.

    python3 tools/instance run|start|stop|status|remove [--var DIR] [--port-base N] [--build DIR]
    python3 tools/instance restart|pause|resume SERVICE
"""

import argparse
import pathlib
import sys

if __package__ in (None, ""):  # run as a folder: make it a package
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "instance"  # pylint: disable=redefined-builtin
    import instance  # noqa: F401  # pylint: disable=unused-import

from .instance import Instance
from .place import DEFAULT_PORT_BASE, InstanceError
from .terminal import Terminal


def run(it, _):
    if it.running():
        raise InstanceError(f"the instance in {it.place.var} is running already; make stop ends it")
    terminal = Terminal(it.place.log)

    def ready(_):
        terminal.follow()
        terminal.say("\nMansio is running. Ctrl-C stops it.\n")
        print("\n".join(it.describe()) + "\n", flush=True)

    terminal.skip()
    it.run(terminal.say, ready, terminal.follow)
    terminal.follow()
    terminal.say("stopped")


def start(it, _):
    was = it.running()
    it.start(print)
    print(f"Mansio {'was running already' if was else 'is running'} in {it.place.var}\n")
    print("\n".join(it.describe()))


def stop(it, _):
    print("stopped" if it.stop() else f"no instance is running in {it.place.var}")


def status(it, _):
    if not it.running():
        print(f"no instance is running in {it.place.var}")
        sys.exit(3)
    for name, service in it.ask(do="status")["services"].items():
        print(f"{name:10s} {'up' if service['up'] else 'down':5s} {service['pid']}")


def remove(it, _):
    if it.place.exists():
        it.stop()
        it.place.remove()


def one_service(act):
    def send(it, options):
        if not options.service:
            raise InstanceError("which service?")
        it.ask(do=act, name=options.service)

    return send


VERBS = {"run": run, "start": start, "stop": stop, "status": status, "remove": remove,
         "restart": one_service("restart"), "pause": one_service("pause"), "resume": one_service("start")}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="instance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("service", nargs="?")
    parser.add_argument("--var", default="var")
    parser.add_argument("--port-base", type=int, default=DEFAULT_PORT_BASE)
    parser.add_argument("--build")
    parser.add_argument("--bare", action="store_true", help="without the demonstration")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a line of mansio.conf to be otherwise")
    parser.add_argument("--guardian", type=int, metavar="PID", help="start: end and vanish when this process does")
    options = parser.parse_args()
    try:
        overrides = dict(pair.split("=", 1) for pair in options.set)
        it = Instance(options.var, options.port_base, options.build, overrides, not options.bare, options.guardian)
        VERBS[options.verb](it, options)
    except InstanceError as error:
        print(f"instance: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


main()
