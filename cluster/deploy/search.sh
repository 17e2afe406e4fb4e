#!/usr/bin/env bash
# Start a search, or resume the one in its run directory:  search.sh RUN [options of haemsa search]
set -euo pipefail

run=${1:?"usage: search.sh RUN [options of haemsa search]"}
shift
if [[ -f $run/journal.sqlite ]]; then
    exec python -m haemsa search --resume "$run"
fi
exec python -m haemsa search --run "$run" "$@"
