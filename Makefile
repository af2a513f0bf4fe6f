# make run, make test: nothing to install but the .NET SDK (10.0) and make.
.PHONY: build run cluster ctl dashboard test test-published lint docs screenshots bench bench-net bench-cluster scaling idle flood hostile churn fuzz chaos soak publish deb image test-packages \
  install clean

CONFIG ?= Release
PREFIX ?= /usr/local
RID ?= $(shell dotnet --info | sed -n 's/^ *RID: *//p' | head -1)
VERSION = $(shell sed -n 's/.*<Version>\(.*\)<.*/\1/p' Directory.Build.props)
DOTNET := DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 dotnet
TESTS := DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 tests/again.sh dotnet test
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

# Three relays that serve as one, with two NATS servers, PostgreSQL and, where it is installed, HAProxy; says how to look at them. PORT=9000
cluster: $(RELAYCTL)
	@$(DOTNET) publish src/Server -c Release -o $(BIN)/relayd -v quiet -clp:NoSummary --no-self-contained
	@exec tests/cluster.sh $(CURDIR)/$(BIN)/relayd/relayd $(CURDIR)/$(RELAYCTL) $(or $(PORT),9000)

# The operator's command line: make ctl ARGS="stats"
ctl: $(RELAYCTL)
	@$(RELAYCTL) $(ARGS)

# The relay in a browser: make dashboard ARGS="--port 8443"
dashboard: $(RELAYCTL)
	@$(DOTNET) publish src/Dashboard -c Release -o $(BIN)/dashboard -v quiet -clp:NoSummary --no-self-contained
	@$(RELAYCTL) dashboard $(ARGS)

$(RELAYCTL): $(CTL_SOURCES)
	@$(DOTNET) publish src/AdminCli -c Release -o $(BIN)/relayctl -v quiet -clp:NoSummary --no-self-contained
	@touch $@

# All tests; those of the whole server once more over the other road (docs/configuration.md, Listen:Transport), those of what it stores
# once more on PostgreSQL, and those of clients once more with each client at one of three relays by chance (RELAY_TEST_SEED=7 repeats a run).
# tests/install-servers.sh installs what the last two need. One test program after another: each runs as many tests at once as there are cores.
test: build
	@$(TESTS) --solution Relay.sln -c $(CONFIG) --no-build --no-progress --max-parallel-test-modules 1
	@RELAY_TEST_TRANSPORT=kestrel $(TESTS) --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress
	@RELAY_TEST_STORAGE=postgres $(TESTS) --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress \
	  --filter-namespace Relay.EndToEnd.Rendezvous --filter-namespace Relay.EndToEnd.Chunks
	@RELAY_TEST_CLUSTER=1 $(TESTS) --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress --filter-trait Clients=Spread

# The tests that start the programs, with those that `make publish` gives.
test-published: build publish
	@RELAY_TEST_PUBLISHED=$(CURDIR)/artifacts $(TESTS) --project tests/AdminCli.Tests -c $(CONFIG) --no-build --no-progress
	@RELAY_TEST_PUBLISHED=$(CURDIR)/artifacts $(TESTS) --project tests/Server.EndToEnd -c $(CONFIG) --no-build --no-progress --filter-trait Programs=Started

# Analyzers run in every build, as errors; this adds the format.
lint: build
	@$(DOTNET) format Relay.sln --verify-no-changes --no-restore

# Writes what the documents take from the program: the options in docs/configuration.md, the client messages in docs/protocol.md.
docs: build
	@RELAY_WRITE_DOCS=1 $(DOTNET) test --project tests/Server.Tests -c $(CONFIG) --no-build --no-progress --filter-class '*DocumentTests' >/dev/null

# The pictures of docs/dashboard.md, of a relay that is started for them. Needs Chromium: tests/install-browser.sh
screenshots: build
	@mkdir -p docs/images
	@RELAY_TEST_SCREENSHOTS=$(CURDIR)/docs/images $(DOTNET) test --project tests/AdminCli.Tests -c $(CONFIG) --no-build --no-progress --filter-class '*Screenshots'
	@ls -l docs/images

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

# What clients, forwards and pairings cost in a cluster of two nodes, beside a relay that is alone, and what nodes cost each other. About half a
# minute a round; tests/install-servers.sh installs the servers that it needs. ROUNDS=3 SECONDS=1
bench-cluster: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) cluster $(or $(ROUNDS),3) $(or $(SECONDS),1)

# What that makes of 3 to 1,000 nodes: the tables of docs/scaling.md
scaling:
	@$(DOTNET) run --project tests/Benchmarks -c Release -- scaling

# What a flood of refused connections does to 200 connected pairs. SECONDS=20 without a flood, and as many with one; OPTIONS="--Admission:OverloadLevel=normal"
flood: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) flood $(or $(SECONDS),20) $(OPTIONS)

# What those who may connect can do to the others: two dozen attacks, each on a relay with honest clients, who must notice none. About four
# minutes. ONLY=upstream-flood runs one, LIST=1 shows their names
hostile: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) hostile $(if $(LIST),--list,$(if $(ONLY),--only $(ONLY)))

# Connections that end at every stage beside clients who stay, on 2 and on 4 loops; fails if a frame reaches a wrong socket or anything
# is left. CONNECTS=1000000
churn: publish
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@$(BENCHMARKS) churn $(or $(CONNECTS),1000000)

# Fuzzes what reads untrusted input (PROXY headers, forwarded headers, networks, frames, request heads, handshakes, messages, peer servers'
# handshakes, operators' calls), then with real sockets the head parser against Kestrel's and the engine against Kestrel's road; fails at the
# first finding. Half an hour on two cores. INPUTS=10000000 STREAMS=20000, SEED=7 repeats a run, ONLY="peer handshakes" picks one
fuzz:
	@$(DOTNET) build tests/Benchmarks -c Release -v quiet -clp:NoSummary
	@tests/Benchmarks/bin/Release/net10.0/Benchmarks fuzz $(or $(INPUTS),10000000) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)")
	@RELAY_TEST_STREAMS=$(or $(STREAMS),20000) $(DOTNET) test --project tests/Server.Tests -c Release --no-progress --filter-class '*KestrelVerdictTests'
	@RELAY_TEST_STREAMS=$(or $(STREAMS),20000) $(DOTNET) test --project tests/Server.EndToEnd -c Release --no-progress --filter-class '*RoadProperties'

# Parts of a cluster of three relays die, stop and come back at random under traffic; fails if a message is lost in silence, comes twice or out of
# order, or anything is left. MINUTES=10, RELAY_TEST_SEED=7 repeats the order of the faults
chaos:
	@$(DOTNET) build tests/Server.EndToEnd -c Release -v quiet -clp:NoSummary
	@RELAY_TEST_CHAOS=$(or $(MINUTES),10) $(DOTNET) test --project tests/Server.EndToEnd -c Release --no-build --no-progress --filter-class '*ChaosTests' --output Detailed

# Random clients use and misuse every feature and vanish; fails unless all of it is gone afterwards. MINUTES=2, and about 4 more
soak:
	@$(DOTNET) build src/Server -c Release -v quiet -clp:NoSummary
	@$(DOTNET) run --project tests/Benchmarks -c Release -- soak $(or $(MINUTES),2)

# Programs that need no .NET on the machine: native ones, artifacts/relayd/relayd with its two libraries and artifacts/relayctl/relayctl, and
# artifacts/dashboard/relay-dashboard, which brings the framework along.
# Needs a C compiler, to link them.
publish:
	@for p in Server:relayd AdminCli:relayctl; do \
	  $(DOTNET) publish src/$${p%:*} -c Release -r $(RID) -p:PublishAot=true -p:DebugType=none -p:PublishDocumentationFile=false \
	    -p:CopyOutputSymbolsToPublishDirectory=false -o artifacts/$${p#*:} -v quiet -clp:NoSummary || exit 1; \
	done
	@$(DOTNET) publish src/Dashboard -c Release -r $(RID) --self-contained -p:PublishSingleFile=true -p:DebugType=none -p:PublishDocumentationFile=false \
	  -o artifacts/dashboard -v quiet -clp:NoSummary
	@ls -l artifacts/relayd artifacts/relayctl artifacts/dashboard

# Debian packages: artifacts/relay_VERSION_ARCH.deb with the unit, manual pages and completions, and relay-dashboard_VERSION_ARCH.deb (docs/deployment.md).
deb: publish
	@deploy/debian/build.sh artifacts $(VERSION)

# A container image as an OCI archive, made without a daemon: artifacts/relay_VERSION_ARCH.oci.tar, which `docker load` takes.
image: publish
	@deploy/container/image.sh artifacts $(VERSION)

# What is in both, and that it starts as it is meant to; the proxies of deploy/proxies in front of it; the commands of the documents.
test-packages: deb image
	@status=0; tests/packages.sh artifacts $(VERSION) || status=1; tests/proxies.sh artifacts || status=1; tests/documents.sh artifacts || status=1; exit $$status

# To PREFIX (DESTDIR is honoured), with shell completions. relayd lies beside its libraries.
install: publish
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/relay $(DESTDIR)$(PREFIX)/share/relay \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 artifacts/relayd/relayd artifacts/relayd/*.so $(DESTDIR)$(PREFIX)/lib/relay
	ln -sf ../lib/relay/relayd $(DESTDIR)$(PREFIX)/bin/relayd
	install -m 755 artifacts/relayctl/relayctl $(DESTDIR)$(PREFIX)/bin
	rm -rf $(DESTDIR)$(PREFIX)/lib/relay/dashboard && cp -R artifacts/dashboard $(DESTDIR)$(PREFIX)/lib/relay/dashboard
	install -m 644 src/Server/appsettings.json $(DESTDIR)$(PREFIX)/share/relay/relay.sample.json
	artifacts/relayctl/relayctl completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/relayctl
	artifacts/relayctl/relayctl completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_relayctl
	artifacts/relayctl/relayctl completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/relayctl.fish

clean:
	rm -rf artifacts && find src tests -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
