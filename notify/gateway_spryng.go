package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// spryng is Spryng's REST API, version 1.
type spryng struct{ GatewayAccount }

const spryngURL = "https://rest.spryngsms.com/v1/messages"

func (g spryng) SendText(ctx context.Context, t Text) error {
	body, err := json.Marshal(map[string]any{
		"encoding": "plain", "body": t.Body, "route": "business", "originator": g.Sender,
		"recipients": []string{strings.TrimPrefix(t.To, "+")}, "reference": t.ID,
	})
	if err != nil {
		return err
	}
	status, answer, err := g.post(ctx, http.MethodPost, cmp.Or(g.URL, spryngURL), "application/json", body, func(h http.Header) {
		h.Set("Authorization", "Bearer "+g.Token.Reveal())
	})
	switch {
	case err != nil:
		return err
	case status == http.StatusOK, status == http.StatusCreated:
		return nil
	case status == http.StatusUnprocessableEntity && aboutRecipient(answer):
		return because(fault.Refused, "422 recipient")
	}
	return g.refused(t, status, "", answer)
}

// aboutRecipient reports whether an answer 422 finds fault with the number, rather than with what we are configured to
// send.
func aboutRecipient(answer []byte) bool {
	var said struct {
		Errors map[string]json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return false
	}
	for field := range said.Errors {
		if strings.HasPrefix(field, "recipients") {
			return true
		}
	}
	return false
}

// Report reads a delivery report: parameters of the address, or a form; 10 is delivered, 20 is not and will not be.
func (spryng) Report(r *http.Request) (id, state string) {
	return r.FormValue("REFERENCE"), final(strings.ReplaceAll(r.FormValue("STATUS"), " ", "-"), "10 delivered", "20 not-delivered")
}
