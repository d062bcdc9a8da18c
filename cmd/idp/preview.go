package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/internal/preview"
	"github.com/minddistrict/idp/internal/serve"
	"github.com/minddistrict/idp/internal/wire"
)

// previewCommand shows an organisation its pages before its people see them.
func previewCommand(g *globals) *cobra.Command {
	var port int
	var open bool
	c := &cobra.Command{
		Use:   "preview NAME",
		Short: "Show every page and mail of a platform, with its colour, logo and texts, on this machine",
		Long: "Serves every page in every state and every mail and text message, in Dutch and English, at an address of " +
			"this machine only, until it is stopped. What is on them is made up; colour, logos, names, helpdesk and " +
			"links are those of the platform, as apply set them.",
		Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, err := f.platform(cmd, args[0])
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return fmt.Errorf("listening: %w (--port chooses another)", err)
			}
			address := "http://" + l.Addr().String() + "/"
			err = g.print(cmd, map[string]string{"address": address}, func(w io.Writer) {
				fmt.Fprintf(w, "The pages of %s are at  %s  until you press Ctrl-C.\n", p.Name, address)
			})
			if err != nil {
				return err
			}
			if open {
				if err := openBrowser(cmd.Context(), address); err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "warning: no browser could be opened:", err)
				}
			}
			o := serve.Options{Grace: time.Second, Now: time.Now, Log: logger(f.config)}
			return serve.Run(cmd.Context(), o, idle{}, map[net.Listener]http.Handler{l: preview.New(wire.UI(), p)})
		}),
	}
	c.Flags().IntVar(&port, "port", 0, "port on 127.0.0.1; 0: one that is free")
	c.Flags().BoolVar(&open, "open", false, "open a browser there")
	return c
}

// idle is what is served without any upkeep.
type idle struct{}

func (idle) Run(ctx context.Context) { <-ctx.Done() }
func (idle) Drain()                  {}

// openBrowser asks the desktop to show an address.
func openBrowser(ctx context.Context, address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	return exec.CommandContext(ctx, name, args...).Start()
}
