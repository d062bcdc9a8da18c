# make alone lists the targets.
GO ?= go

.PHONY: help dev test quick hook vuln clients upstreams bench torture failover model screenshots pictures release
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

dev: ## run everything on SQLite with demo platforms and accounts: http://localhost:8081
	@echo "Building idp: a minute or two the first time, and what Go downloads before that; then seconds."
	@$(GO) build -buildvcs=false -o bin/idp ./cmd/idp && exec bin/idp dev

quick: ## the inner loop: vet and unit tests on SQLite, no browser, no race detector
	$(GO) vet ./...
	eval "$$($(GO) run ./test/postgres/run)" && $(GO) test ./...

hook: ## have git look at each commit first, in seconds (.ci/hook says at what, and at what not)
	bash .ci/hook install

test: ## everything CI checks; installs what it needs on Debian
	bash .ci/test

bench: ## measure: Go benchmarks in process, then the program from outside beside a ceiling (ROUNDS=5 PEERS=oidc-provider,zitadel,keycloak WITH=FILE)
	eval "$$($(GO) run ./test/postgres/run)" && $(GO) test -run '^$$' -bench . -benchmem ./op/ ./keys/
	$(GO) run ./test/bench run -rounds $(or $(ROUNDS),5) -peers '$(PEERS)' -with '$(WITH)'
	$(GO) run ./test/bench timing

clients: ## the clients that `make test` leaves out: every block of docs/clients.md runs here or there
	bash .ci/prepare
	bash .ci/clients
	eval "$$($(GO) run ./test/postgres/run)" && cd test/clients && $(GO) test -count=1 -timeout 20m -tags clients,more -run TestMoreClients

upstreams: ## people sign in at Keycloak (a download of 160 MB, then two minutes; IDP_RECORD=keycloak keeps its answers for the tests)
	bash .ci/prepare
	cd testdata/tools/keycloak && mvn -q -B package
	eval "$$($(GO) run ./test/postgres/run)" && cd test/clients && $(GO) test -count=1 -timeout 20m -tags clients,upstreams -run TestKeycloak

torture: ## kill nodes and databases under load, restart nodes (KILLS=300 SQLITE_KILLS=200 PIN_KILLS=100 REVOKES=50 CYCLES=100 BROWSERS=4 RACES=1000 ROUNDS=20 LOGINS=1)
	eval "$$($(GO) run ./test/postgres/run)" && IDP_KILLS=$(or $(KILLS),300) IDP_SQLITE_KILLS=$(or $(SQLITE_KILLS),200) IDP_CYCLES=$(or $(CYCLES),100) \
		IDP_PIN_KILLS=$(or $(PIN_KILLS),100) IDP_REVOKES=$(or $(REVOKES),50) \
		IDP_BROWSERS=$(or $(BROWSERS),4) IDP_RACES=$(or $(RACES),1000) IDP_ROLLS=$(or $(ROUNDS),20) IDP_LOGINS=$(or $(LOGINS),1) $(GO) test -race -count=1 -v -timeout 12h ./test/nodes/
	eval "$$($(GO) run ./test/postgres/run)" && $(GO) test -count=1 -run TestAsManyPeopleAsAFileHasAreInvitedInTime ./storage # all that a file may have

failover: ## kill the primary of a PostgreSQL under Patroni while people sign in (Debian's Patroni, etcd and haproxy; KILLS=20 MACHINES=2 of PostgreSQL)
	bash .ci/failover
	IDP_FAILOVERS=$(or $(KILLS),20) IDP_POSTGRES_MACHINES=$(or $(MACHINES),2) $(GO) test -count=1 -v -timeout 6h -tags failover -run TestFailover ./test/nodes/

model: ## search every interleaving of the app's handoff and PIN counter, and find each seeded mistake (docs/app/model.md)
	bash .ci/prepare
	bash .ci/model

screenshots: ## pictures of every page into var/screenshots
	bash .ci/prepare
	SCREENSHOTS=$(CURDIR)/var/screenshots $(GO) test -count=1 -tags browser -run TestPages ./test/chromium/

pictures: ## the pictures of README.md and docs/staff.md, anew
	bash .ci/prepare
	PICTURES=$(CURDIR)/docs/images $(GO) test -count=1 -tags browser -run TestPictures ./test/chromium/

vuln: ## vulnerabilities that are known of what we use and call (needs vuln.go.dev)
	"$$($(GO) -C internal/release/tools tool -n govulncheck)" ./...

release: ## archives, .deb, .rpm, SBOMs and checksums of this commit into dist (SOURCE_DATE_EPOCH and git decide every time in them)
	$(GO) run ./internal/release
