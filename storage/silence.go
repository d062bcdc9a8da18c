package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minddistrict/idp/internal/fault"
)

// How long a database may be silent: no answer, and no end of the connection either. A connection on which it was is
// thrown away. Decision 15 says why each connection keeps these times itself.
const (
	connectTimeout = 3 * time.Second       // unless the DSN says otherwise
	answerTime     = 3 * time.Second       // for one statement, COMMIT and ROLLBACK included, unless the DSN says otherwise
	batchTime      = time.Hour             // for one statement of a batch, such as an index on a large table
	pingTime       = time.Second           // for a connection that was idle; a call meets two dead ones at most, and then dials
	pingAfter      = time.Second           // idle for this long: it is asked whether it still lives
	linePingAfter  = 50 * time.Millisecond // the same for one that carries messages of several callers: they would all be lost
	lostTime       = 10 * time.Second      // without a sign of life from the other machine

	// endsAfter is how long after a connection was given up its server ends the statement: nobody waits for it any more.
	// It does not end the wait of a COMMIT for a standby.
	endsAfter = 500 * time.Millisecond
)

// answerTimeOf takes answer_timeout, whole seconds, out of the parameters of a DSN: the server knows none of that name.
func answerTimeOf(config *pgx.ConnConfig) (time.Duration, error) {
	given, ok := config.RuntimeParams["answer_timeout"]
	if !ok {
		return answerTime, nil
	}
	delete(config.RuntimeParams, "answer_timeout")
	seconds, err := strconv.Atoi(given)
	if err != nil || seconds < 1 || seconds > 3600 {
		return 0, fmt.Errorf("%w: answer_timeout: 1 to 3600 seconds", fault.Invalid)
	}
	return time.Duration(seconds) * time.Second, nil
}

// dialer makes connections that end when what was sent to the database was not answered for as long as given. The
// system ends those that it finds dead itself: nothing arrives there, or nothing comes back.
func dialer(answer time.Duration) pgconn.DialFunc {
	d := net.Dialer{
		Control:         setUserTimeout(lostTime),
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: lostTime, Interval: lostTime / 2, Count: 2},
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &deadlineConn{c, answer}, nil
	}
}

// uncancelled makes connections whose statements are not cancelled when they are given up. A server that is told to
// cancel while a commit waits for its synchronous standby makes that commit visible, although the standby does not have
// it, and only warns: "The transaction has already committed locally, but might not have been replicated to the
// standby." Whoever asks again would be told that it is done, and a failover would lose it. Not cancelled, it stays
// invisible until the standby has it, and keeps its locks.
type uncancelled struct{ driver.Connector }

// connectingKey marks the context of whoever makes a connection. What pgx dials to cancel a statement does not have it.
type connectingKey struct{}

// Connect makes a connection.
func (u uncancelled) Connect(ctx context.Context) (driver.Conn, error) {
	return u.Connector.Connect(context.WithValue(ctx, connectingKey{}, true))
}

var errNotCancelled = errors.New("statements that are given up are not cancelled")

// onlyToConnect refuses to dial for anything but a connection that uncancelled makes.
func onlyToConnect(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if ctx.Value(connectingKey{}) == nil {
			return nil, errNotCancelled
		}
		return dial(ctx, network, address)
	}
}

// endStatements adds to what is done with a new connection: its server is told to end what takes longer than anybody
// waits, unless the DSN has a limit of its own. It is no parameter of the connection, because poolers refuse those that
// they do not know.
func endStatements(config *pgx.ConnConfig, answer time.Duration, made func(context.Context, *pgx.Conn) error) func(context.Context, *pgx.Conn) error {
	if _, given := config.RuntimeParams["statement_timeout"]; given {
		return made
	}
	limit := fmt.Sprintf("SET statement_timeout = %d", (answer + endsAfter).Milliseconds())
	return func(ctx context.Context, c *pgx.Conn) error {
		if _, err := c.PgConn().Exec(ctx, limit).ReadAll(); err != nil {
			return err
		}
		return made(ctx, c)
	}
}

// deadlineConn is a connection whose peer must answer in time. A deadline costs no memory; the context per statement
// that it stands for costs 640 bytes and five times as long.
type deadlineConn struct {
	net.Conn
	answer time.Duration
}

// Write begins to wait for the answer. It never moves a deadline that pgx sets when a context ends: that one is for
// writing too, so the writing fails.
func (c *deadlineConn) Write(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.answer)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// stillLives decides whether a connection that was idle for so long is pinged: no, because it was just done, with a
// limit of its own. Where there was no answer pgx has closed the connection, and its own ping tells database/sql to
// take another.
func stillLives(after time.Duration) func(context.Context, stdlib.ShouldPingParams) bool {
	return func(ctx context.Context, p stdlib.ShouldPingParams) bool {
		if p.IdleDuration <= after {
			return false
		}
		ctx, done := context.WithTimeout(ctx, pingTime)
		defer done()
		return p.Conn.Ping(ctx) != nil
	}
}
