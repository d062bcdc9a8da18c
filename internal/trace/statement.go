package trace

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// OpenDB is sql.OpenDB (see storage.Opener) with a span for each statement of a request, named after operation and
// table, such as "UPDATE sessions". Statements outside a sampled request, such as upkeep, get none.
func (t *Tracer) OpenDB(c driver.Connector) *sql.DB {
	return otelsql.OpenDB(c,
		otelsql.WithTracerProvider(t.provider), otelsql.WithMeterProvider(noop.NewMeterProvider()),
		otelsql.WithSpanNameFormatter(func(_ context.Context, m otelsql.Method, text string) string { return name(m, text) }),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableQuery: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitRows: true, OmitConnectorConnect: true,
			RecordError: func(error) bool { return false }, // its text may quote a value
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return oteltrace.SpanContextFromContext(ctx).IsSampled()
			},
		}),
		otelsql.WithAttributes(attribute.String("db.system.name", system(c))))
}

// system is the database's name in OpenTelemetry's conventions.
func system(c driver.Connector) string {
	if strings.Contains(fmt.Sprintf("%T", c.Driver()), "sqlite") {
		return "sqlite"
	}
	return "postgresql"
}

// beforeTable are the words that a table's name follows in our statements.
var beforeTable = []string{"FROM", "INTO", "UPDATE"}

// name is what a span of the database is called: of the text, only keyword and table, which are ours.
func name(m otelsql.Method, text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return string(m) // BEGIN, COMMIT and the like, by the library's name
	}
	for i, word := range words[:len(words)-1] {
		if slices.Contains(beforeTable, word) {
			return words[0] + " " + strings.Trim(words[i+1], "(),")
		}
	}
	return words[0]
}
