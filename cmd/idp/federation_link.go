package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/sheet"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// maxLinks is how many rows a file may have: the people of a large organisation.
const maxLinks = 100_000

// linkColumns are the columns of a file of links, which its first line names in any order.
var linkColumns = []string{"connection", "key", "address"}

// linkLine is what came of a row.
type linkLine struct {
	Line       int               `json:"line"`
	Connection federation.ID     `json:"connection"`
	Key        string            `json:"key"`
	Address    string            `json:"address"`
	Outcome    staff.LinkOutcome `json:"outcome"`
	Why        string            `json:"why,omitempty"`
}

// linksReport is what came of a file.
type linksReport struct {
	Rows    []linkLine `json:"rows"`
	Linked  int        `json:"linked"`
	There   int        `json:"there_already"`
	Refused int        `json:"refused"`
	DryRun  bool       `json:"dry_run,omitempty"`
}

func linkImport(g *globals, on *string) *cobra.Command {
	var o staff.ImportOptions
	c := &cobra.Command{
		Use: "import FILE", Short: "Link accounts to who people are at their organisation, from a file", Args: cobra.ExactArgs(1),
		Long: "FILE is comma-separated, as spreadsheets write it, or - for standard input, with the columns connection, key and address. The key is what the " +
			"connection's key rule takes from an answer: of entra tenant/object, of nameid NameQualifier!NameID. Each row is done by itself, so the same file goes on " +
			"where it stopped. Somebody who was invited becomes active by the first sign-in there. Refused is a row whose account is unknown, deactivated, of a role that the connection is not for or linked to somebody else there, and " +
			"whose key is taken. Exit code 1: a row was refused.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			text, err := readFile(cmd, args[0])
			if err != nil {
				return err
			}
			rows, lines, err := linkRows(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			report := linksReport{Rows: []linkLine{}, DryRun: o.DryRun}
			err = f.tools().Acts().ImportLinks(cmd.Context(), platform.ID(*on), rows, o, func(i int, out staff.LinkOutcome, why error) {
				line := linkLine{Line: lines[i], Connection: rows[i].Connection, Key: rows[i].Key, Address: rows[i].Address, Outcome: out}
				if why != nil { // the outcome says already that it is refused
					line.Why = strings.TrimPrefix(why.Error(), fault.Refused.Error()+": ")
				}
				report.add(line)
			})
			if err != nil {
				return err
			}
			if err := g.print(cmd, report, report.text); err != nil {
				return err
			}
			if report.Refused > 0 {
				return fmt.Errorf("%s: %d of %d rows refused", args[0], report.Refused, len(rows))
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what would come of each row, and write nothing")
	c.Flags().BoolVar(&o.Mail, "mail", false, "tell each person who is active, and is linked, by a mail")
	c.Flags().BoolVar(&o.Helpers, "include-helpers", false, "link accounts of helpdesk and managers, too")
	return c
}

func (r *linksReport) add(l linkLine) {
	switch l.Outcome {
	case staff.LinkMade:
		r.Linked++
	case staff.LinkThere:
		r.There++
	default:
		r.Refused++
	}
	r.Rows = append(r.Rows, l)
}

func (r linksReport) text(w io.Writer) {
	would := ""
	if r.DryRun {
		would = "would be "
	}
	for _, l := range r.Rows {
		why, outcome := "", string(l.Outcome)
		if l.Why != "" {
			why = ": " + l.Why
		}
		if l.Outcome == staff.LinkMade {
			outcome = would + outcome
		}
		fmt.Fprintf(w, "line %d: %s %s: %s%s\n", l.Line, printable(string(l.Connection)), printable(l.Address), outcome, printable(why))
	}
	fmt.Fprintf(w, "%d %slinked, %d there already, %d refused\n", r.Linked, would, r.There, r.Refused)
}

// linkRows reads a file of links, with the line of each.
func linkRows(text []byte) (rows []staff.LinkRow, lines []int, err error) {
	known := func(word string) bool { return slices.Contains(linkColumns, strings.ToLower(word)) }
	table, err := sheet.Read(text, known, maxLinks)
	if err != nil {
		return nil, nil, err
	}
	at := map[string]int{}
	for i, word := range table.Header {
		at[strings.ToLower(word)] = i
	}
	for _, column := range linkColumns {
		if _, ok := at[column]; !ok {
			return nil, nil, fmt.Errorf("%w: line 1: no column %s: the first line names connection, key and address", fault.Invalid, column)
		}
	}
	for _, row := range table.Rows {
		cell := func(column string) string {
			if i := at[column]; i < len(row.Cells) {
				return row.Cells[i]
			}
			return ""
		}
		rows = append(rows, staff.LinkRow{Connection: federation.ID(cell("connection")), Key: sheet.Text(cell("key")), Address: sheet.Text(cell("address"))})
		lines = append(lines, row.Line)
	}
	return rows, lines, nil
}

// linkShown is a link in a list.
type linkShown struct {
	Key     string    `json:"key"`
	Account string    `json:"account"`
	Address string    `json:"address"`
	AddedAt time.Time `json:"added_at"`
}

func linkList(g *globals, on *string) *cobra.Command {
	var after string
	var limit int
	var file bool
	c := &cobra.Command{
		Use: "list NAME", Short: "List who is linked by a connection, by key", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			_, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			if file {
				if !cmd.Flags().Changed("limit") {
					limit = maxLinks
				}
				return exportLinks(cmd, f, c, after, limit)
			}
			all, err := f.db.LinksOf(cmd.Context(), c.Platform, c.ID, after, limit)
			if err != nil {
				return err
			}
			links := []linkShown{}
			for _, l := range all {
				links = append(links, linkShown{strings.TrimPrefix(l.External, string(c.ID)+"/"), string(l.Account), l.Email, l.AddedAt})
			}
			return g.print(cmd, links, func(w io.Writer) {
				for _, l := range links {
					fmt.Fprintf(w, "%-40s %s\n", printable(l.Key), printable(l.Address))
				}
			})
		}),
	}
	c.Flags().StringVar(&after, "after", "", "go on after this key")
	c.Flags().IntVar(&limit, "limit", 1000, fmt.Sprintf("at most this many; with --csv %d where nothing is said", maxLinks))
	c.Flags().BoolVar(&file, "csv", false, "as a file that import takes")
	return c
}

// exportLinks writes a file that import reads: what would come back as something else is an error.
func exportLinks(cmd *cobra.Command, f *floor, c *federation.Connection, after string, limit int) error {
	all, err := f.db.LinksOf(cmd.Context(), c.Platform, c.ID, after, limit)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	table, rows := [][]string{linkColumns}, []staff.LinkRow(nil)
	for _, l := range all {
		row := staff.LinkRow{Connection: c.ID, Key: strings.TrimPrefix(l.External, string(c.ID)+"/"), Address: l.Email}
		table, rows = append(table, []string{string(row.Connection), row.Key, row.Address}), append(rows, row)
	}
	if err := sheet.Write(&text, table...); err != nil {
		return err
	}
	read, _, err := linkRows(text.Bytes())
	if err != nil {
		return err
	}
	for i, row := range rows {
		if i >= len(read) || read[i] != row {
			return fmt.Errorf("%w: key %q of %s cannot be written into a file", fault.Invalid, row.Key, row.Address)
		}
	}
	_, err = cmd.OutOrStdout().Write(text.Bytes())
	return err
}

func linkRemove(g *globals, on *string) *cobra.Command {
	var with *justificationFlags
	c := &cobra.Command{
		Use: "remove NAME EMAIL", Short: "Remove the link of an account to a connection, and end its sessions", Args: cobra.ExactArgs(2),
		Long: "Remove the link of an account to a connection, and end its sessions.\n\n" +
			"The person gets a mail. Whoever comes with the same account there proves the account here before the two are linked again; " +
			"`idp federation link import` links them without a question.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			said, err := with.words()
			if err != nil {
				return err
			}
			err = f.tools().Acts().RemoveLinkTo(cmd.Context(), platform.ID(*on), staff.ByAddress(args[1]), federation.ID(args[0]), said)
			if err != nil {
				return err
			}
			return printChanged(g, cmd, true, fmt.Sprintf("link %s/%s of %s removed", *on, args[0], args[1]))
		}),
	}
	with = sayWith(c, staff.ActRemoveLink)
	return c
}
