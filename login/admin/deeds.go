package admin

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// Deed is an act that a helper may do to a person from her page: a row of deeds. Its page asks what the right wants.
type Deed struct {
	Name   string    // last element of its address; texts are staff.NAME_title, _body, _button, _done
	Right  staff.Act // whose words and freshness are asked
	Danger bool      // it takes something away
	Email  bool      // the page asks for an address
	Role   bool      // the page asks for a role
	Each   bool      // done to one session, remembered browser, device with the mobile app or link, which its address names last
	// For reports whether it makes sense as the person stands now; who may not do it is not offered it either.
	For func(*staff.Card) bool
	Do  func(ctx context.Context, acts *staff.Acts, p platform.ID, whom staff.Whom, f Form) error
	// Ask asks for it where it waits (staff.MustWait); nil: it never does. Its texts are staff.NAME_waits.
	Ask func(ctx context.Context, acts *staff.Acts, p platform.ID, whom staff.Whom, f Form) error
}

// Form is what the page of a deed asks.
type Form struct {
	Said  staff.Justification
	Email string
	Role  platform.Role
	Of    string // the session, the remembered browser, the device or the link
}

// deeds are all, in the order in which the page of a person offers them.
var deeds = []Deed{
	{
		Name: "resend", Right: staff.ActInvite, For: in(account.Invited),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, _ Form) error {
			return a.Invite(ctx, p, whom)
		},
	},
	{
		Name: "correct-address", Right: staff.ActCorrectAddress, Email: true, For: in(account.Invited),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.SetEmail(ctx, p, whom, f.Email, f.Said)
		},
		Ask: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			_, err := a.AskAddress(ctx, p, whom, f.Email, f.Said)
			return err
		},
	},
	{
		Name: "unblock", Right: staff.ActUnblock,
		For: func(c *staff.Card) bool {
			return c.Account.State == account.Active && slices.ContainsFunc(c.Waits, func(w authn.Wait) bool { return w.For.Refuses() })
		},
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, _ Form) error {
			return a.Unblock(ctx, p, whom)
		},
	},
	{
		Name: "reset-two-step", Right: staff.ActReset, Danger: true,
		For: func(c *staff.Card) bool {
			return c.Account.State == account.Active && len(c.Account.SecondCredentials()) > 0
		},
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.ResetTwoStep(ctx, p, whom, f.Said)
		},
		Ask: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			_, err := a.AskReset(ctx, p, whom, f.Said)
			return err
		},
	},
	{
		Name: "change-address", Right: staff.ActChangeAddress, Email: true, For: in(account.Active),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.SetEmail(ctx, p, whom, f.Email, f.Said)
		},
	},
	{
		Name: "role", Right: staff.ActSetRole, Role: true, For: in(account.Active, account.Invited),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.SetRole(ctx, p, whom, f.Role, f.Said)
		},
		Ask: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			_, err := a.AskRole(ctx, p, whom, f.Role, f.Said)
			return err
		},
	},
	{
		Name: endSession, Right: staff.ActRemoveDevice, Danger: true, Each: true,
		For: func(c *staff.Card) bool { return len(c.Sessions) > 0 },
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.EndSession(ctx, p, whom, f.Of, f.Said)
		},
	},
	{
		Name: forgetBrowser, Right: staff.ActRemoveDevice, Danger: true, Each: true,
		For: func(c *staff.Card) bool { return len(c.Devices) > 0 },
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.ForgetDevice(ctx, p, whom, f.Of, f.Said)
		},
	},
	{
		Name: removeDevice, Right: staff.ActRemoveDevice, Danger: true, Each: true,
		For: func(c *staff.Card) bool { return len(c.Apps) > 0 },
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.RemoveDevice(ctx, p, whom, grant.DeviceID(f.Of), f.Said)
		},
	},
	{
		Name: removeLink, Right: staff.ActRemoveLink, Danger: true, Each: true,
		For: func(c *staff.Card) bool { return len(linksOf(&c.Account)) > 0 },
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.RemoveLink(ctx, p, whom, account.CredentialID(f.Of), f.Said)
		},
	},
	{
		Name: "end-sessions", Right: staff.ActEndSessions, Danger: true,
		For: func(c *staff.Card) bool { return len(c.Sessions)+len(c.Devices)+len(c.Apps) > 0 },
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.EndSessions(ctx, p, whom, f.Said)
		},
	},
	{
		Name: "deactivate", Right: staff.ActDeactivate, Danger: true, For: in(account.Active, account.Invited),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.Deactivate(ctx, p, whom, f.Said)
		},
		Ask: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			_, err := a.AskDeactivate(ctx, p, whom, f.Said)
			return err
		},
	},
	{
		Name: "reactivate", Right: staff.ActReactivate, For: in(account.Deactivated),
		Do: func(ctx context.Context, a *staff.Acts, p platform.ID, whom staff.Whom, f Form) error {
			return a.Reactivate(ctx, p, whom, f.Said)
		},
	},
}

// Deeds of which there is one for each session, each remembered browser, each device with the mobile app and each link.
const (
	endSession    = "end-session"
	forgetBrowser = "forget-browser"
	removeDevice  = "remove-device"
	removeLink    = "remove-link"
)

// deedOf is the one of a right that may wait.
func deedOf(act staff.Act) Deed {
	for _, d := range deeds {
		if d.Right == act && d.Ask != nil {
			return d
		}
	}
	return Deed{}
}

func in(states ...account.State) func(*staff.Card) bool {
	return func(c *staff.Card) bool { return slices.Contains(states, c.Account.State) }
}

// key is the text key of a part of the deed's page.
func (d Deed) key(part string) string {
	return "staff." + underscored(d.Name) + "_" + part
}
