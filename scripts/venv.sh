# Sourced by run-example and run-tests: makes .venv with this package and the extras in $extra, and puts it on PATH.

missing=
for tool in g++ make perl; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "The simulation compiles C++ and needs:$missing. Install with: sudo apt-get install -y g++ make perl" >&2
    exit 2
fi

if [ ! -x .venv/bin/python ]; then
    python=
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "Python 3.11 or newer is needed. Install with: sudo apt-get install -y python3 python3-venv" >&2
        exit 2
    fi
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python cannot make a virtual environment. Install with: sudo apt-get install -y python3-venv" >&2
        exit 2
    fi
fi
# installed again only if the project's requirements or the wanted extras changed
stamp=".venv/installed-$extra"
if [ ! -f "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    echo "installing rtlnn[$extra] into .venv ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extra]"
    touch "$stamp"
fi
PATH="$PWD/.venv/bin:$PATH"
