package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// size is how much a database is filled with.
type size struct{ accounts, grants int64 }

// load fills one database, leaves another one empty, and measures in turn what the same operations cost on both.
func load(ctx context.Context, args []string) (err error) {
	var n size
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	flags.Int64Var(&n.accounts, "accounts", 1_000_000, "accounts, each with a password and a session")
	flags.Int64Var(&n.grants, "grants", 10_000_000, "grants with refresh tokens, spread over the accounts")
	p, err := readPlan(flags, args)
	if err != nil {
		return err
	}
	if n.accounts < 1 || n.grants < 1 {
		return fmt.Errorf("%w: at least one account and one grant", fault.Invalid)
	}
	if err := pinSelf(p.otherCPU); err != nil {
		return err
	}
	binary := filepath.Join(p.dir, "idp")
	if err := build(ctx, ".", binary); err != nil {
		return err
	}
	pg, err := startPostgres(filepath.Join(p.dir, "postgres"),
		"max_wal_size=8GB", "checkpoint_timeout=30min", "shared_buffers=2GB", "maintenance_work_mem=1GB", "wal_level=minimal", "max_wal_senders=0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.stop()) }()
	var both []*server
	for _, name := range []string{"empty", "full"} {
		dsn, err := pg.create(ctx, name+"_db")
		if err != nil {
			return err
		}
		s, err := newIDP(ctx, binary, p.dir, name, p.serverCPU, dsn, pg.PID)
		if err != nil {
			return err
		}
		if name == "full" {
			if err := fill(ctx, dsn, n); err != nil {
				return err
			}
		}
		both = append(both, s)
	}
	return p.growth(ctx, both)
}

// growth prints what each operation costs on the full database, to the empty one.
func (p plan) growth(ctx context.Context, both []*server) (err error) {
	t := newTable(p)
	var all []*provider
	for _, s := range both {
		if err := s.start(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		all = append(all, s.provider)
	}
	for round := range p.rounds {
		for _, s := range p.scenarios {
			for i := range all {
				if err := t.measure(ctx, all[(i+round)%len(all)], s); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println("| operation | CPU, empty | CPU, full | ratio | with the database's, ratio | p50 ms, empty | p50 ms, full | goal | |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, s := range p.scenarios {
		sum := func(r result) float64 { return r.cpu + r.database }
		of := func(server string, f func(result) float64) float64 { return t.of(s.name, server, f) }
		ratio := of("full", sum) / of("empty", sum)
		fmt.Printf("| %s | %.4f +%.3f | %.4f +%.3f | %.2f | %.2f | %.2f | %.2f | %.2f | %s |\n", s.name, of("empty", cpu), of("empty", database),
			of("full", cpu), of("full", database), of("full", cpu)/of("empty", cpu), ratio, of("empty", p50), of("full", p50), growthFactor, met(ratio, growthFactor))
	}
	return nil
}

// Rows as the program writes them. Identifiers and hashes are spread evenly, as random ones are, so that indexes are
// as large and as scattered as real ones; times lie in the last 30 days, and nothing ends within 60.
const (
	fillAccounts = `
INSERT INTO accounts (id, platform, email, email_key, email_verified_at, role, state, locale, profile, created_at)
SELECT md5('account' || n), 'bench', 'filler' || n || '@example.org', 'filler' || n || '@example.org', $3, 'client', 'active', 'nl',
       '{"given_name":"Anna","family_name":"Bakker"}', $3 - n % 2592000 * 1000
FROM generate_series($1::bigint, $2::bigint) AS n`
	fillCredentials = `
INSERT INTO credentials (id, platform, account, method, used_as, label, sealed, counter, added_at, confirmed_at)
SELECT md5('credential' || n), 'bench', md5('account' || n), 'password', 'primary', '', decode(repeat('00', 110), 'hex'), 0, $3, $3
FROM generate_series($1::bigint, $2::bigint) AS n`
	fillSessions = `
INSERT INTO sessions (id, platform, account, channel, cookie_hash, proofs, started_at, seen_at, ends_at)
SELECT md5('session' || n), 'bench', md5('account' || n), 'browser', sha256(convert_to('cookie' || n, 'UTF8')),
       '[{"method":"password","use":"primary","kinds":1,"amr":["pwd"],"at":"2027-01-01T00:00:00Z"}]', $3, $3, $3 + 5184000000
FROM generate_series($1::bigint, $2::bigint) AS n`
	fillGrants = `
INSERT INTO grants (id, platform, party, account, session, scopes, offline, nonce, redirect_uri, challenge, proofs, started_at,
       code_hash, code_ends_at, code_used_at, refresh_hash, previous_refresh_hash, refreshed_at, refresh_ends_at, ends_at)
SELECT md5('grant' || n), 'bench', 'code', md5('account' || n % $4 + 1), md5('session' || n % $4 + 1), 'openid profile email offline_access', 1,
       md5('nonce' || n), '` + redirectURI + `', left(encode(sha256(convert_to('challenge' || n, 'UTF8')), 'base64'), 43),
       '[{"method":"password","use":"primary","kinds":1,"amr":["pwd"],"at":"2027-01-01T00:00:00Z"}]', $3 - n % 2592000 * 1000,
       sha256(convert_to('code' || n, 'UTF8')), $3, $3, sha256(convert_to('refresh' || n, 'UTF8')), sha256(convert_to('before' || n, 'UTF8')),
       $3, $3 + 5184000000, $3 + 5184000000
FROM generate_series($1::bigint, $2::bigint) AS n`
)

// fillBatch is how many rows one statement adds.
const fillBatch = 500_000

// fill adds rows without their indexes, makes these afterwards, and lets the planner know what is there.
func fill(ctx context.Context, dsn string, n size) (err error) {
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	db, err := pool.Conn(ctx) // one: the settings below are its own
	if err != nil {
		return err
	}
	// Foreign keys hold by construction; asking for each of them takes longer than everything else.
	if _, err := db.ExecContext(ctx, `SET session_replication_role = replica; SET synchronous_commit = off`); err != nil {
		return err
	}
	indexes, err := dropIndexes(ctx, db)
	if err != nil {
		return err
	}
	at := now().UnixMilli()
	for _, part := range []struct {
		what, text string
		rows       int64
		more       []any
	}{
		{"accounts", fillAccounts, n.accounts, nil}, {"credentials", fillCredentials, n.accounts, nil},
		{"sessions", fillSessions, n.accounts, nil}, {"grants", fillGrants, n.grants, []any{n.accounts}},
	} {
		for from := int64(1); from <= part.rows; from += fillBatch {
			to := min(from+fillBatch-1, part.rows)
			if _, err := db.ExecContext(ctx, part.text, append([]any{from, to, at}, part.more...)...); err != nil {
				return fmt.Errorf("adding %s: %w", part.what, err)
			}
			fmt.Fprintf(os.Stderr, "bench: %d %s (%s)\n", to, part.what, now().Sub(time.UnixMilli(at)).Round(time.Second))
		}
	}
	for _, text := range append(indexes, "VACUUM ANALYZE", "CHECKPOINT") {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	var bytes int64
	if err := db.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&bytes); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: filled, %d MiB, in %s\n", bytes>>20, now().Sub(time.UnixMilli(at)).Round(time.Second))
	return nil
}

// dropIndexes drops the indexes that are no primary key of the tables that are filled, and returns how to make them.
func dropIndexes(ctx context.Context, db *sql.Conn) (definitions []string, err error) {
	rows, err := db.QueryContext(ctx, `
SELECT indexname, indexdef
FROM pg_indexes
WHERE tablename IN ('accounts', 'credentials', 'sessions', 'grants') AND indexname NOT LIKE '%\_pkey'`)
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		names, definitions = append(names, name), append(definitions, definition)
	}
	if err := rows.Err(); err != nil || len(names) == 0 {
		return definitions, err
	}
	_, err = db.ExecContext(ctx, "DROP INDEX "+strings.Join(names, ", "))
	return definitions, err
}
