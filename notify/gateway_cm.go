package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
)

// cm is CM.com's Business Messaging API, version 1.0.
type cm struct{ GatewayAccount }

const cmURL = "https://gw.cmtelecom.com/v1.0/message"

// cmNumber are the error codes that are about the number: not valid, not allowed, on a black list.
var cmNumber = []int{302, 303, 402}

type cmMessage struct {
	Channels  []string          `json:"allowedChannels"`
	From      string            `json:"from"`
	To        []cmRecipient     `json:"to"`
	Body      map[string]string `json:"body"`
	Reference string            `json:"reference"` // at most 32 characters
	Least     int               `json:"minimumNumberOfMessageParts"`
	Most      int               `json:"maximumNumberOfMessageParts"`
}

type cmRecipient struct {
	Number string `json:"number"` // with 00
}

func (g cm) SendText(ctx context.Context, t Text) error {
	body, err := json.Marshal(map[string]any{"messages": map[string]any{
		"authentication": map[string]string{"producttoken": g.Token.Reveal()},
		"msg": []cmMessage{{
			Channels: []string{"SMS"}, From: g.Sender, To: []cmRecipient{{"00" + strings.TrimPrefix(t.To, "+")}},
			Body: map[string]string{"type": "auto", "content": t.Body}, Reference: t.ID, Least: 1, Most: 1,
		}},
	}})
	if err != nil {
		return err
	}
	status, answer, err := g.post(ctx, http.MethodPost, cmp.Or(g.URL, cmURL), "application/json", body, nil)
	if err != nil {
		return err
	}
	var said struct {
		ErrorCode int `json:"errorCode"`
		Messages  []struct {
			ErrorCode int `json:"messageErrorCode"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return because(fault.Unavailable, fmt.Sprint(status, " without JSON"))
	}
	code := said.ErrorCode
	for _, m := range said.Messages {
		if m.ErrorCode != 0 {
			code = m.ErrorCode
		}
	}
	switch {
	case code == 0 && status == http.StatusOK:
		return nil
	case slices.Contains(cmNumber, code):
		return because(fault.Refused, fmt.Sprint(code))
	case code == 101 || code == 102 || code == 103 || code == 500: // who we are, credit, their side
		return because(fault.Unavailable, fmt.Sprint(code))
	}
	return g.refused(t, status, code, answer)
}

// Report reads a status report: JSON, status 2 is delivered, 1 and 3 are rejected and failed.
func (cm) Report(r *http.Request) (id, state string) {
	var said struct {
		Messages struct {
			Msg struct {
				Reference string `json:"reference"`
				Status    struct {
					Code json.RawMessage `json:"code"`
				} `json:"status"`
			} `json:"msg"`
		} `json:"messages"`
	}
	if json.NewDecoder(r.Body).Decode(&said) != nil {
		return "", ""
	}
	m := said.Messages.Msg
	return m.Reference, final(strings.Trim(string(m.Status.Code), `"`), "2", "1 3")
}
