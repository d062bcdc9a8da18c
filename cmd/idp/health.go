package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/internal/fault"
)

// healthTime is how long the answer may take: /readyz itself gives the database 1.5 s.
const healthTime = 5 * time.Second

// healthCommand is the health check of a container, which has no shell and no curl.
func healthCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the server of this configuration whether it is ready",
		Long:  "Asks /readyz at operator_listen. It exits with 0 when the server is ready, and with 1 when it is not, such as when its database is gone.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.load()
			if err != nil {
				return err
			}
			if err := health(cmd.Context(), c.OperatorListen); err != nil {
				return err
			}
			return g.print(cmd, map[string]string{"status": "ready"}, func(w io.Writer) { fmt.Fprintln(w, "The server is ready.") })
		},
	}
}

// health asks a server on this machine. One that listens on every address is asked on loopback.
func health(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	ctx, done := context.WithTimeout(ctx, healthTime)
	defer done()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Transport{}).RoundTrip(r) // never through a proxy
	if err != nil {
		return fmt.Errorf("no answer at %s: %w", address, fault.Unavailable)
	}
	_ = res.Body.Close() // the status says it all
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s is not ready (%s): its log says why", address, res.Status)
	}
	return nil
}
