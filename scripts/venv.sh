# Sourced by run-example and run-tests: makes .venv with this package and the extras in $extra, and puts it on PATH.
# What pip cannot install is named, all at once, with the command that does.

# What a Python lacks, as Debian's package names; "old" if it is too old, or is none.
lacks() {
    "$1" - 2>/dev/null <<'PYTHON' || echo old
import ctypes, importlib.util, sys, sysconfig

version = f"python3.{sys.version_info.minor}"
if sys.version_info < (3, 11):
    print("old")
if importlib.util.find_spec("ensurepip") is None:
    print(f"{version}-venv")
library = f"lib{version}.so.1.0"  # a simulator runs the test bench's Python as a library
for path in (f"{sysconfig.get_config_var('LIBDIR')}/{library}", library):
    try:
        ctypes.CDLL(path)
        break
    except OSError:
        continue
else:
    print(f"lib{version}")
PYTHON
}

missing=
for tool in g++ make; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
# Verilator's script needs more than the perl-base that every Debian has
perl -MPod::Usage -MFindBin -e 1 2>/dev/null || missing="$missing perl"

if [ ! -x .venv/bin/python ]; then
    python=
    lacking=
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        found=$(lacks "$candidate" | tr '\n' ' ')
        case $found in
        "") # nothing: no better one can come
            python=$candidate
            lacking=
            break
            ;;
        *old*) ;;
        *) [ -n "$python" ] || { python=$candidate && lacking=" ${found% }"; } ;;
        esac
    done
    if [ -z "$python" ]; then
        lacking=" python3 python3-venv libpython3-dev"
        # the distribution's own is too old
        command -v python3 >/dev/null 2>&1 && lacking=" python3.11 python3.11-venv libpython3.11"
    fi
    missing="$missing$lacking"
fi
if [ -n "$missing" ]; then
    echo "This system lacks:$missing. Install with:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y$missing" >&2
    exit 2
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv || { rm -rf .venv && exit 2; }
# installed again only if the project's requirements or the wanted extras changed
stamp=".venv/installed-$extra"
if [ ! -f "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    echo "installing rtlnn[$extra] into .venv ..." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"
    touch "$stamp"
fi
PATH="$PWD/.venv/bin:$PATH"
