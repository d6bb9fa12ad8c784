#!/usr/bin/env bash
# A sweep as a Slurm array. A part that is requeued continues its own results.
#
#     sweep=$(sbatch --parsable docs/scale/slurm.sh)
#     sbatch --dependency="afterany:$sweep" --wrap \
#         'quorate-sim merge results/*.jsonl --html results/index.html --require-marks all'
#
#SBATCH --job-name=quorate-sweep
#SBATCH --array=1-64
#SBATCH --cpus-per-task=4
#SBATCH --time=02:00:00
#SBATCH --requeue
mkdir -p results

quorate-sim sweep scenarios --seeds 0..10000 --budget 110m \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "$SLURM_CPUS_PER_TASK" \
    -o "results/$SLURM_ARRAY_TASK_ID.jsonl"
