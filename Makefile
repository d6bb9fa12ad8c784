# Names for commands. Nothing here is clever, and nothing needs make.
.PHONY: help demo testnet test ci sweep long bench docs fuzz

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## seven validators lose their leader, and go on
	cargo sim run scenarios/view-change/leader-crash-7.toml --seed 7

testnet: ## four validators on this machine, until Ctrl-C; NODES=7 LOAD=200
	cargo node dev --validators $(or $(NODES),4) --load $(or $(LOAD),0)

test: ## every test
	./.ci/test

ci: ## formatting, lints, tests
	./.ci/run

sweep: ## every scenario with many seeds; SEEDS=0..1000
	@mkdir -p results
	for theme in view-change partition crash byzantine; do \
		cargo sim sweep scenarios/$$theme --seeds $(or $(SEEDS),0..200) -o results/$$theme.jsonl || exit; \
	done

long: ## a hundred thousand views: what a validator remembers does not grow
	cargo sim run scenarios/long/long-run-100k.toml --seed 1

bench: ## measurements
	cargo bench --workspace

docs: ## the API documentation of every package
	cargo doc --workspace --no-deps --release

fuzz: ## the decoders, on their corpus and on many mutations of it; ROUNDS=100000
	QUORATE_FUZZ_ROUNDS=$(or $(ROUNDS),100000) ./.ci/test -p quorate-core --test fuzz -- --nocapture
