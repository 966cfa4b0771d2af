#!/usr/bin/env bash
# The shards of a run, a sweep or a search on the cores of one machine, by GNU parallel.
#
#   examples/cluster/parallel.sh OUT SHARDS sweep SCENARIO --vary KEY=VALUES ...
#
# The results are in OUT, with the bytes of the command without shards; the parts stay in OUT.parts. A shard that fails is tried
# again and continues where it was. For several machines, add --sshloginfile, --transferfile and --return to parallel.
set -euo pipefail
out=$1 shards=$2
shift 2
mkdir "$out.parts"
parts=()
for ((round = 1; ; round++)); do
  # Each shard has one core.
  seq "$shards" | parallel --quote --will-cite --jobs 100% --retries 3 --halt soon,fail=1 \
    authstorm "$@" --shard {}/"$shards" --threads 1 --quiet --resume \
    --out "$out.parts/round-$round-{}" ${parts[@]+--after "${parts[@]}"}
  parts+=("$out.parts/round-$round-"*)
  code=0
  authstorm merge "${parts[@]}" --out "$out" || code=$?
  # A search that needs a further round exits with 1 and writes nothing.
  if [ "$code" != 1 ] || [ -e "$out" ]; then exit "$code"; fi
done
