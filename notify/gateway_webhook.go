package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// webhook is any gateway that takes one request per message, such as Kannel's sendsms: a template with placeholders, sent
// as a form, as JSON, or as the query of a GET. 2xx is accepted, 422 means that this number never works.
type webhook struct{ GatewayAccount }

var webhookPlaceholder = regexp.MustCompile(`\{[a-z_]+\}`)

// newWebhook tries the template out.
func newWebhook(a GatewayAccount) (webhook, error) {
	g := webhook{a}
	sample := Text{ID: "id", To: "+31612345678", Body: "\"\n\\&%=", Origin: "https://login.example.org"}
	var unknown error
	for _, name := range append(webhookPlaceholder.FindAllString(a.Body, -1), webhookPlaceholder.FindAllString(a.Authorization, -1)...) {
		if _, ok := g.values(sample)[name]; !ok {
			unknown = fmt.Errorf("%w: %s in the template: %s", fault.Invalid, name, "{to}, {number}, {text}, {sender}, {reference}, {token} or {report_url}")
		}
	}
	body := g.fill(a.Body, sample, escapes[a.Format])
	switch _, err := url.ParseQuery(body); {
	case unknown != nil:
		return g, unknown
	case escapes[a.Format] == nil:
		return g, fmt.Errorf("%w: format %q: form, json or query", fault.Invalid, a.Format)
	case a.Format == "json" && !json.Valid([]byte(body)):
		return g, fmt.Errorf("%w: the template is no JSON", fault.Invalid)
	case a.Format != "json" && err != nil:
		return g, fmt.Errorf("%w: the template is no form: name=value&name=value", fault.Invalid)
	case !strings.Contains(a.Body, "{text}") || !strings.Contains(a.Body, "{to}") && !strings.Contains(a.Body, "{number}"):
		return g, errors.Join(fault.Invalid, errors.New("the template needs {text}, and {to} or {number}"))
	}
	return g, nil
}

// escapes write a value into a template, by format.
var escapes = map[string]func(string) string{
	"form":  url.QueryEscape,
	"query": url.QueryEscape,
	"json": func(value string) string {
		quoted, _ := json.Marshal(value) // a string: cannot fail
		return string(quoted[1 : len(quoted)-1])
	},
}

func (g webhook) values(t Text) map[string]string {
	return map[string]string{
		"{to}": t.To, "{number}": strings.TrimPrefix(t.To, "+"), "{text}": t.Body, "{sender}": g.Sender, "{reference}": t.ID,
		"{token}": g.Token.Reveal(), "{report_url}": g.reportURL(t),
	}
}

// fill puts values in. They are not searched for placeholders.
func (g webhook) fill(template string, t Text, escape func(string) string) string {
	values := g.values(t)
	return webhookPlaceholder.ReplaceAllStringFunc(template, func(name string) string {
		if escape == nil {
			return values[name]
		}
		return escape(values[name])
	})
}

func (g webhook) SendText(ctx context.Context, t Text) error {
	body := g.fill(g.Body, t, escapes[g.Format])
	method, address, contentType := http.MethodPost, g.URL, formType
	switch g.Format {
	case "json":
		contentType = "application/json"
	case "query":
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		method, address, contentType, body = http.MethodGet, address+separator+body, "", ""
	}
	status, answer, err := g.post(ctx, method, address, contentType, []byte(body), func(h http.Header) {
		if g.Authorization != "" {
			h.Set("Authorization", g.fill(g.Authorization, t, nil))
		}
	})
	switch {
	case err != nil:
		return err
	case status < 300:
		return nil
	case status == http.StatusUnprocessableEntity:
		return because(fault.Refused, "422")
	}
	return g.refused(t, status, "", answer)
}

// Report reads the parameters ref and status, of the address or of a form: delivered or failed, or the numbers that
// Kannel puts for %d (1 delivered, 2 not delivered, 16 rejected).
func (webhook) Report(r *http.Request) (id, state string) {
	return r.FormValue("ref"), final(r.FormValue("status"), "delivered 1", "undelivered failed 2 16")
}
