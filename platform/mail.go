package platform

import (
	"fmt"
	"net/mail"

	"github.com/minddistrict/idp/internal/fault"
)

// Mail is how an organisation's mails are sent.
type Mail struct {
	From     string `json:"from,omitempty" yaml:"from,omitempty"`           // address of the sender; empty: that of the server's configuration
	ShowName bool   `json:"show_name,omitempty" yaml:"show_name,omitempty"` // the sender is called as the platform is, not by the neutral name
}

func (m Mail) validate() error {
	if m.From == "" {
		return nil
	}
	if a, err := mail.ParseAddress(m.From); err != nil || a.Name != "" || a.Address != m.From {
		return fmt.Errorf("%w: mail.from %q: an address without a name, such as login@example.org", fault.Invalid, m.From)
	}
	return nil
}

// SenderName is what mails name as their sender. A list of mails is seen by others too, so it is neutral unless the
// organisation wants it otherwise.
func (p *Platform) SenderName() string {
	if p.Mail.ShowName {
		return p.Name
	}
	return p.NeutralName
}
