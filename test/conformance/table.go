package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table writes results as a table of plan, module, what it asks and how it ended, with the totals below.
func Table(w io.Writer, title string, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "\n%s\nPLAN\tMODULE\tASKS\tRESULT\n", title) // Flush tells
	for _, r := range results {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Plan, r.Module, r.Asks, r.outcome()) // as above
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, Totals(results))
	return err
}

// outcome is the status with the reasons.
func (r Result) outcome() string {
	if len(r.Notes) == 0 {
		return string(r.Status)
	}
	return string(r.Status) + ": " + strings.Join(r.Notes, "; ")
}

// Totals counts results by status.
func Totals(results []Result) string {
	var parts []string
	for _, status := range []Status{Passed, Failed, Warned, Skipped} {
		n := len(slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Status != status }))
		parts = append(parts, fmt.Sprintf("%d %s", n, status))
	}
	return fmt.Sprintf("%d modules: %s", len(results), strings.Join(parts, ", "))
}

// Document writes results as a table for a Markdown page.
func Document(w io.Writer, results []Result) error {
	var b strings.Builder
	b.WriteString("| plan | module | asks | result |\n|---|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", r.Plan, r.Module, r.Asks, r.outcome())
	}
	fmt.Fprintf(&b, "\n%s.\n", Totals(results))
	_, err := io.WriteString(w, b.String())
	return err
}
