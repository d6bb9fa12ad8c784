#!/usr/bin/env bash
# A sweep on one machine, or on many over SSH, with GNU parallel. A second call continues the first.
# On other machines too: add `--sshloginfile HOSTS --workdir /shared/quorate`, with the results on a
# file system they share.
set -uo pipefail
mkdir -p results

part() {
    quorate-sim sweep scenarios --seeds 0..1000 --shard "$1/$2" --jobs 1 -o "results/$1.jsonl"
}
export -f part

parts=64
# The bar is for a terminal; a log would fill with it.
bar=()
[ -t 2 ] && bar=(--bar)
parallel "${bar[@]}" --env part --joblog results/jobs.tsv part {} "$parts" ::: $(seq "$parts")

quorate-sim merge results/*.jsonl --html results/index.html --junit results/junit.xml --require-marks all
