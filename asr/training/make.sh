#!/bin/sh
# Make a demo model: make.sh FOLDER [HOURS_A_SHARD [SHARDS [STEPS]]]. Intermediate files stay in FOLDER.work.
set -eu
model=$1 hours=${2:-1.0} shards=${3:-7} steps=${4:-1473}
work=$model.work
mkdir -p "$model" "$work"

make_shard() { # espeak-ng crashes now and then: another seed, another try
    seed=$1
    until python -m asr.training.corpus "$2" "$seed" "$3"; do seed=$((seed + 1000)); done
}

[ -e "$work/held-out.npz" ] || make_shard 999 0.15 "$work/held-out.npz"
for shard in $(seq "$shards"); do
    [ -e "$work/$shard.npz" ] || make_shard "$((500 + shard))" "$hours" "$work/$shard.npz"
done
# shellcheck disable=SC2046 # one argument a shard
python -m asr.training.network "$steps" "$work/network.pt" "$work/held-out.npz" \
    $(seq "$shards" | sed "s|.*|$work/&.npz|")
python -m asr.training.export "$work/network.pt" "$model"
python -m asr.training.graph "$model"
