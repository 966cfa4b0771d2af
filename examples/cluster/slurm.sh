#!/usr/bin/env bash
# The shards of a run or a sweep as a Slurm array, and a job that merges them.
#
#   examples/cluster/slurm.sh OUT SHARDS sweep SCENARIO --vary KEY=VALUES ...
#
# OUT is on a file system that all nodes share. Waits for the merge, and exits with its code; logs and parts are in OUT.parts.
# Where a shard has failed, the merge names it: submit the same line again with the array of that number alone.
set -euo pipefail
out=$1 shards=$2
shift 2
mkdir "$out.parts"
command=$(printf '%q ' authstorm "$@" --threads 1 --quiet --resume)
place=$(printf '%q' "$out.parts/part-")
array=$(sbatch --parsable --job-name authstorm --array "1-$shards" --cpus-per-task 1 --output "$out.parts/shard-%a.log" \
  --wrap "$command --shard \$SLURM_ARRAY_TASK_ID/$shards --out $place\$SLURM_ARRAY_TASK_ID")
# afterany, not afterok: if a shard fails, a job with afterok stays in the queue for ever.
sbatch --wait --job-name authstorm-merge --dependency "afterany:$array" --output "$out.parts/merge.log" \
  --wrap "authstorm merge $place* --out $(printf '%q' "$out")"
