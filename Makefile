# make run, make test: nothing to install but the .NET SDK (10.0) and make.
.PHONY: build run ctl test test-published lint docs bench bench-net idle flood churn fuzz soak publish install clean

CONFIG ?= Release
PREFIX ?= /usr/local
RID ?= $(shell dotnet --info | sed -n 's/^ *RID: *//p' | head -1)
DOTNET := DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 dotnet
BIN := artifacts/bin
RELAYCTL := $(BIN)/relayctl/relayctl
# They measure the published relayd.
BENCHMARKS := RELAY_TEST_PUBLISHED=$(CURDIR)/artifacts tests/Benchmarks/bin/Release/net10.0/Benchmarks
BUN := artifacts/peers/node_modules/bun/bin/bun.exe

# Folders too: they change when a file is added or removed.
CTL_SOURCES := $(shell find src/AdminCli protos -name bin -prune -o -name obj -prune -o -print) \
  src/Server/Configuration/Durations.cs Directory.Build.props Directory.Packages.props

build:
	@$(DOTNET) build Relay.sln -c $(CONFIG) -v quiet -clp:NoSummary

# Starts the relay with its defaults; ARGS go to relayd: make run ARGS="--Listen:Port=9100"
run: $(RELAYCTL)
	@$(DOTNET) publish src/Server -c Release -o $(BIN)/relayd -v quiet -clp:NoSummary --no-self-contained
	@exec $(BIN)/relayd/relayd $(ARGS)

# The operator's command line: make ctl ARGS="stats"
ctl: $(RELAYCTL)
	@$(RELAYCTL) $(ARGS)

$(RELAYCTL): $(CTL_SOURCES)
	@$(DOTNET) publish src/AdminCli -c Release -o $(BIN)/relayctl -v quiet -clp:NoSummary --no-self-contained
	@touch $@

# All tests, and those of the whole server once more over the other road (docs/configuration.md, Listen:Transport).
test: build
	@$(DOTNET) test --solution Relay.sln -c $(CONFIG) --no-build --no-progress
	@RELAY_TEST_TRANSPORT=kestrel $(DOTNET) test --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress

# The tests that start the programs, with those that `make publish` gives.
test-published: build publish
	@RELAY_TEST_PUBLISHED=$(CURDIR)/artifacts $(DOTNET) test --project tests/AdminCli.Tests -c $(CONFIG) --no-build --no-progress
	@RELAY_TEST_PUBLISHED=$(CURDIR)/artifacts $(DOTNET) test --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress --filter-trait Programs=Started

# Analyzers run in every build, as errors; this adds the format.
lint: build
	@$(DOTNET) format Relay.sln --verify-no-changes --no-restore

# Writes what the documents take from the program: the options in docs/configuration.md, the client messages in docs/protocol.md.
docs: build
	@RELAY_WRITE_DOCS=1 $(DOTNET) test --project tests/Server.Tests -c $(CONFIG) --no-build --no-progress --filter-class '*DocumentTests' >/dev/null

# Microbenchmarks, then the memory of idle sockets. FILTER="*Admission*" picks.
bench:
	@$(DOTNET) run --project tests/Benchmarks -c Release -- --filter '$(or $(FILTER),*)'
	@$(MAKE) --no-print-directory idle

# Bytes of resident memory of an idle and of a registered client, and what their pings take of a core. SOCKETS=5000
idle: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) idle $(or $(SOCKETS),5000)

# What clients, handshakes and messages cost, beside a small relay in Bun where npm can install it. ROUNDS=5 IDLE=8000 SECONDS=3
bench-net: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@[ -x $(BUN) ] || npm install --silent --no-save --prefix artifacts/peers bun || true
	@$(BENCHMARKS) net $(or $(ROUNDS),5) $(or $(IDLE),8000) $(or $(SECONDS),3) $(BUN) $(OPTIONS)

# What a flood of refused connections does to 200 connected pairs. SECONDS=20 without a flood, and as many with one; OPTIONS="--Admission:OverloadLevel=normal"
flood: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) flood $(or $(SECONDS),20) $(OPTIONS)

# Connections that end at every stage beside clients who stay, on 2 and on 4 loops; fails if a frame reaches a wrong socket or anything
# is left. CONNECTS=1000000
churn: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) churn $(or $(CONNECTS),1000000)

# Fuzzes the parsers of untrusted input (PROXY headers, forwarded headers, networks, messages, frames, request heads), then with real sockets
# the head parser against Kestrel's and the engine against Kestrel's road; fails at the first finding. INPUTS=10000000 STREAMS=20000
fuzz:
	@$(DOTNET) run --project tests/Benchmarks -c Release -- fuzz $(or $(INPUTS),10000000) $(SEED)
	@RELAY_TEST_STREAMS=$(or $(STREAMS),20000) $(DOTNET) test --project tests/Server.Tests -c Release --no-progress --filter-class '*KestrelVerdictTests'
	@RELAY_TEST_STREAMS=$(or $(STREAMS),20000) $(DOTNET) test --project tests/Server.EndToEnd -c Release --no-progress --filter-class '*RoadProperties'

# Random clients use and misuse every feature and vanish; fails unless all of it is gone afterwards. MINUTES=2, and about 4 more
soak:
	@$(DOTNET) build src/Server -c Release -v quiet -clp:NoSummary
	@$(DOTNET) run --project tests/Benchmarks -c Release -- soak $(or $(MINUTES),2)

# Native programs, which need no .NET on the machine: artifacts/relayd/relayd with its two libraries, and artifacts/relayctl/relayctl.
# Needs a C compiler, to link them.
publish:
	@for p in Server:relayd AdminCli:relayctl; do \
	  $(DOTNET) publish src/$${p%:*} -c Release -r $(RID) -p:PublishAot=true -p:DebugType=none -p:PublishDocumentationFile=false \
	    -p:CopyOutputSymbolsToPublishDirectory=false -o artifacts/$${p#*:} -v quiet -clp:NoSummary || exit 1; \
	done
	@ls -l artifacts/relayd artifacts/relayctl

# To PREFIX (DESTDIR is honoured), with shell completions. relayd lies beside its libraries.
install: publish
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/relay $(DESTDIR)$(PREFIX)/share/relay \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 artifacts/relayd/relayd artifacts/relayd/*.so $(DESTDIR)$(PREFIX)/lib/relay
	ln -sf ../lib/relay/relayd $(DESTDIR)$(PREFIX)/bin/relayd
	install -m 755 artifacts/relayctl/relayctl $(DESTDIR)$(PREFIX)/bin
	install -m 644 src/Server/appsettings.json $(DESTDIR)$(PREFIX)/share/relay/relay.sample.json
	artifacts/relayctl/relayctl completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/relayctl
	artifacts/relayctl/relayctl completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_relayctl
	artifacts/relayctl/relayctl completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/relayctl.fish

clean:
	rm -rf artifacts && find src tests -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
