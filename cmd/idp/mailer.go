package main

import (
	"log/slog"
	_ "time/tzdata" // mails and pages show times, and an image without an operating system has no zones

	"github.com/minddistrict/idp/configs"
	letters "github.com/minddistrict/idp/notify"
)

// mailer is the mail server of a configuration; none is worth a warning, because people wait for those mails.
func mailer(c *configs.Config, log *slog.Logger) letters.Mailer {
	if c.SMTP.Host == "" {
		log.Warn("no mail server is configured (smtp.host): letters wait until they expire")
		return nil
	}
	return &letters.SMTP{
		Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: letters.TLSMode(c.SMTP.TLS), User: c.SMTP.User, Password: c.SMTP.Password,
	}
}
