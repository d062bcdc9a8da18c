package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/configs"
)

func configCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check or print the configuration"}
	c.AddCommand(configCheck(g), &cobra.Command{
		Use: "print", Short: "Print the configuration as it counts, secrets hidden", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.load()
			if err != nil {
				return err
			}
			var text bytes.Buffer
			if err := c.Print(&text); err != nil {
				return err
			}
			var keys map[string]any // JSON with the keys of the file
			if err := yaml.Unmarshal(text.Bytes(), &keys); err != nil {
				return err
			}
			return g.print(cmd, keys, func(w io.Writer) { fmt.Fprint(w, text.String()) })
		},
	})
	return c
}

// checked is what a check of the configuration found.
type checked struct {
	Configuration string        `json:"configuration"` // ok or wrong
	Mistakes      []mistakeLine `json:"mistakes"`
	Reached       []string      `json:"reached"` // with --connect: database, smtp
}

type mistakeLine struct {
	Key   string `json:"key"`   // with its sections: tls.cert_file; empty: the file, or a variable, as a whole
	Place string `json:"place"` // file and line, or variable; empty: it is set nowhere
	Error string `json:"error"`
}

func configCheck(g *globals) *cobra.Command {
	var connect bool
	c := &cobra.Command{
		Use: "check", Short: "Check the configuration, and the files that it names, without serving", Args: cobra.NoArgs,
		Long: "Reads the configuration and every file that it names, and says of each key what is wrong with it. With --connect it also opens the " +
			"database (schema and master keys must fit) and logs in to the mail server. Nothing is changed or sent. Exit code 1: something is wrong.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, wrong := configs.Check(g.config, os.Environ())
			result := checked{Configuration: "ok", Mistakes: []mistakeLine{}, Reached: []string{}}
			if c != nil {
				check := &configChecks{config: c, wrong: wrong}
				check.files()
				if connect {
					check.connections(cmd.Context())
				}
				wrong, result.Reached = check.wrong, append(result.Reached, check.reached...)
			}
			for _, err := range wrong {
				result.Configuration = "wrong"
				result.Mistakes = append(result.Mistakes, mistakeLineOf(err))
			}
			if len(wrong) == 0 || g.output == "json" {
				if err := g.print(cmd, result, result.text); err != nil {
					return err
				}
			}
			return errors.Join(wrong...)
		},
	}
	c.Flags().BoolVar(&connect, "connect", false, "also open the database and log in to the mail server")
	return c
}

func mistakeLineOf(err error) mistakeLine {
	if m, ok := errors.AsType[*configs.Mistake](err); ok {
		return mistakeLine{m.Key, m.Place, m.Err.Error()}
	}
	return mistakeLine{Error: err.Error()}
}

func (r checked) text(w io.Writer) {
	fmt.Fprintln(w, "The configuration is right.")
	for _, what := range r.Reached {
		fmt.Fprintln(w, map[string]string{
			"database": "The database answers, with the schema of this version.", "smtp": "The mail server answers.",
		}[what])
	}
}
