package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

func accountCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Accounts: who can sign in on a platform"}
	var on string
	c.AddCommand(accountAdd(g, &on), accountList(g, &on), accountShow(g, &on), accountReset(g, &on),
		accountInvite(g, &on, "invite", "Send the welcome mail to somebody who has no password yet"),
		accountInvite(g, &on, "resend", "Send the welcome mail again; the button of the older one stops working"),
		accountSetEmail(g, &on), accountUnblock(g, &on),
		accountState(g, &on, "deactivate", "Refuse sign-in and end sessions and tokens at once; data is kept", staff.ActDeactivate, (*staff.Acts).Deactivate),
		accountState(g, &on, "reactivate", "Let a deactivated account sign in again", staff.ActReactivate, (*staff.Acts).Reactivate))
	for _, sub := range c.Commands() {
		sub.Flags().StringVar(&on, "platform", "", "platform")
		require(sub, "platform")
	}
	return c
}

func accountAdd(g *globals, on *string) *cobra.Command {
	var d setup.Account
	var passwordPath string
	var invite bool
	c := &cobra.Command{
		Use: "add EMAIL", Short: "Add an account", Args: cobra.ExactArgs(1),
		Long: "Add an account, with a password or without. Nobody is told: --invite also sends the welcome mail, with which the person makes a password; " +
			"`idp account invite` does so later.\n\n" +
			"A password outside the rule of the platform is taken, with a warning.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) (err error) {
			d.Email = args[0]
			if d.Password, err = secretFrom(cmd, passwordPath); err != nil {
				return err
			}
			if _, err := f.account(cmd, *on, d.Email); err == nil {
				return fmt.Errorf("account %s exists on %s", d.Email, *on)
			}
			report, err := setup.AddAccount(cmd.Context(), f.tools(), platform.ID(*on), d)
			if err != nil {
				return err
			}
			result := addedAccount{Report: report, State: account.Invited, Mail: "none"}
			if d.Password != "" {
				result.State = account.Active
			}
			if invite {
				if err := f.tools().Acts().Invite(cmd.Context(), platform.ID(*on), staff.ByAddress(d.Email)); err != nil {
					return fmt.Errorf("account %s is added, and not invited: %w", d.Email, err)
				}
				result.Mail, result.unsent = "waiting", f.config.SMTP.Host == ""
			}
			return g.print(cmd, result, func(w io.Writer) {
				printed(cmd, report, "added")(w)
				fmt.Fprintln(w, result.says(d.Email, *on))
			})
		}),
	}
	c.Flags().StringVar(&d.Role, "role", "client", "client, relative, professional, helpdesk or manager")
	c.Flags().StringVar(&d.Name.Given, "given-name", "", "given name")
	c.Flags().StringVar(&d.Name.Middle, "middle-name", "", "tussenvoegsel")
	c.Flags().StringVar(&d.Name.Family, "family-name", "", "family name")
	c.Flags().StringVar(&d.Locale, "locale", "", "nl or en")
	c.Flags().StringVar(&passwordPath, "password-file", "", "file with a password, - for standard input; without one the person makes it with the button of the welcome mail")
	c.Flags().BoolVar(&invite, "invite", false, "also send the welcome mail")
	c.MarkFlagsMutuallyExclusive("invite", "password-file")
	return c
}

// addedAccount says what adding an account did.
type addedAccount struct {
	setup.Report
	State account.State `json:"state"` // invited: without a password
	Mail  string        `json:"mail"`  // waiting: the welcome mail is in the outbox; none

	unsent bool // no mail server is configured here
}

// says is what was done and what was not, in words.
func (a addedAccount) says(address, on string) string {
	switch {
	case a.Mail == "waiting" && a.unsent:
		return "The welcome mail waits: no mail server is configured here (smtp.host). Until one is, and the person makes a password with its button, nobody can sign in."
	case a.Mail == "waiting":
		return "The welcome mail waits for a server, which sends it. Until the person makes a password with its button nobody can sign in."
	case a.State == account.Active:
		return "The person can sign in with the password. No mail was sent."
	}
	return fmt.Sprintf("No mail was sent, and nobody can sign in with a password yet: `idp account invite %s --platform %s` sends the welcome mail.", address, on)
}

func accountInvite(g *globals, on *string, use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use + " EMAIL", Short: short, Args: cobra.ExactArgs(1),
		Long: short + ".\n\nThe button of the mail works for 7 days and once; with it the person makes a password.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			acts, err := f.acts(cmd.Context())
			if err != nil {
				return err
			}
			if err := acts.Invite(cmd.Context(), platform.ID(*on), staff.ByAddress(args[0])); err != nil {
				return err
			}
			return printAccount(g, cmd, f, *on, args[0])
		}),
	}
}

func accountSetEmail(g *globals, on *string) *cobra.Command {
	var with *justificationFlags
	c := &cobra.Command{
		Use: "set-email OLD NEW", Short: "Ask somebody to confirm a new e-mail address", Args: cobra.ExactArgs(2),
		Long: "Ask somebody to confirm a new e-mail address, by a mail to it whose button works for 24 hours and once.\n\n" +
			"Until the button is pressed the old address counts, and it gets a notice. Somebody who has no password yet makes one " +
			"after pressing it; the button of an earlier welcome mail stops working at once, and the old address is told nothing.\n\n" +
			"Refused within 24 hours of reset-2fa: whoever talks a helpdesk into both has the account.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			said, err := with.words()
			if err != nil {
				return err
			}
			acts, err := f.acts(cmd.Context())
			if err != nil {
				return err
			}
			if err := acts.SetEmail(cmd.Context(), platform.ID(*on), staff.ByAddress(args[0]), args[1], said); err != nil {
				return err
			}
			return printAccount(g, cmd, f, *on, args[0])
		}),
	}
	with = sayWith(c, staff.ActChangeAddress)
	return c
}

// accountLine is what is shown of an account: never a credential.
type accountLine struct {
	ID       account.ID    `json:"sub"`
	Platform platform.ID   `json:"platform"`
	Email    string        `json:"email"`
	Name     string        `json:"name"`
	Role     platform.Role `json:"role"`
	State    account.State `json:"state"`
	Factors  []string      `json:"factors"`
}

func accountLineOf(a *account.Account) accountLine {
	factors := []string{}
	for _, c := range a.Credentials {
		if c.Usable() {
			factors = append(factors, c.Method)
		}
	}
	return accountLine{a.ID, a.Platform, a.Email.Address, a.Profile.Name(), a.Role, a.State, factors}
}

func (l accountLine) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %-12s %-32s %-13s %-12s %v\n", l.ID, l.Platform, l.Email, l.Role, l.State, l.Factors)
}

func accountList(g *globals, on *string) *cobra.Command {
	var after string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List accounts of a platform", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			if _, err := f.platform(cmd, *on); err != nil {
				return err
			}
			all, err := f.db.Accounts(cmd.Context(), platform.ID(*on), account.ID(after), limit)
			if err != nil {
				return err
			}
			lines := make([]accountLine, len(all))
			for i := range all {
				lines[i] = accountLineOf(&all[i])
			}
			return g.print(cmd, lines, func(w io.Writer) {
				for _, l := range lines {
					l.print(w)
				}
			})
		}),
	}
	c.Flags().StringVar(&after, "after", "", "continue after this sub")
	c.Flags().IntVar(&limit, "limit", 100, "at most this many")
	return c
}

func printAccount(g *globals, cmd *cobra.Command, f *floor, on, address string) error {
	a, err := f.account(cmd, on, address)
	if err != nil {
		return err
	}
	line := accountLineOf(a)
	return g.print(cmd, line, line.print)
}

// stateAct is staff.Acts.Deactivate or Reactivate.
type stateAct func(s *staff.Acts, ctx context.Context, id platform.ID, whom staff.Whom, said staff.Justification) error

func accountState(g *globals, on *string, use, short string, right staff.Act, act stateAct) *cobra.Command {
	var with *justificationFlags
	c := &cobra.Command{
		Use: use + " EMAIL", Short: short, Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			said, err := with.words()
			if err != nil {
				return err
			}
			if _, err := f.account(cmd, *on, args[0]); err != nil {
				return err
			}
			if err := act(f.tools().Acts(), cmd.Context(), platform.ID(*on), staff.ByAddress(args[0]), said); err != nil {
				return err
			}
			return printAccount(g, cmd, f, *on, args[0])
		}),
	}
	with = sayWith(c, right)
	return c
}

// account finds an account by address.
func (f *floor) account(cmd *cobra.Command, on, address string) (*account.Account, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", address, err)
	}
	a, err := f.db.AccountByEmail(cmd.Context(), platform.ID(on), email.Key)
	if err != nil {
		return nil, fmt.Errorf("account %s on platform %q: %w", address, on, err)
	}
	return a, nil
}
