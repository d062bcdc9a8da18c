package notify

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// twilio is Twilio's Messages resource, of 2010-04-01.
type twilio struct{ GatewayAccount }

const twilioURL = "https://api.twilio.com"

// twilioNumber are the error codes that are about the number: not valid, no mobile, its owner wants no messages.
var twilioNumber = []int{21211, 21217, 21610, 21614}

func (g twilio) SendText(ctx context.Context, t Text) error {
	form := url.Values{"To": {t.To}, "Body": {t.Body}}
	if strings.HasPrefix(g.Sender, "MG") && len(g.Sender) == 34 {
		form.Set("MessagingServiceSid", g.Sender)
	} else {
		form.Set("From", g.Sender)
	}
	if to := g.reportURL(t); to != "" {
		form.Set("StatusCallback", to)
	}
	address := strings.TrimSuffix(cmp.Or(g.URL, twilioURL), "/") + "/2010-04-01/Accounts/" + url.PathEscape(g.Account) + "/Messages.json"
	status, answer, err := g.post(ctx, http.MethodPost, address, formType, []byte(form.Encode()), func(h http.Header) {
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(cmp.Or(g.User, g.Account)+":"+g.Token.Reveal())))
	})
	if err != nil {
		return err
	}
	if status == http.StatusCreated {
		return nil
	}
	var said struct {
		Code int `json:"code"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return because(fault.Unavailable, fmt.Sprint(status, " without JSON"))
	}
	if slices.Contains(twilioNumber, said.Code) {
		return because(fault.Refused, fmt.Sprint(said.Code))
	}
	return g.refused(t, status, said.Code, answer)
}

const formType = "application/x-www-form-urlencoded"

// Report reads a status callback; ref is in the address that we gave.
func (twilio) Report(r *http.Request) (id, state string) {
	return r.URL.Query().Get("ref"), final(r.PostFormValue("MessageStatus"), "delivered", "undelivered failed canceled")
}
