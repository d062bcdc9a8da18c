package main

import (
	"log/slog"
	_ "time/tzdata" // mails and pages show times, and an image without an operating system has no zones

	"github.com/minddistrict/idp/configs"
	letters "github.com/minddistrict/idp/notify"
)

// warnOfWaiting says which messages cannot go: people wait for them.
func warnOfWaiting(c *configs.Config, log *slog.Logger) {
	if c.SMTP.Host == "" {
		log.Warn("no mail server is configured (smtp.host): letters wait until they expire")
	}
	if c.SMS.First.Kind == "" && c.SMS.Second.Kind == "" {
		log.Warn("no gateway for text messages is configured (sms.first): they wait until they expire")
	}
}

// mailer is what sends mails under a configuration; nil: nothing does.
func mailer(c *configs.Config) letters.Mailer {
	if server := mailServer(c); server != nil {
		return server
	}
	return nil
}

// mailServer is the mail server of a configuration; nil: there is none.
func mailServer(c *configs.Config) *letters.SMTP {
	if c.SMTP.Host == "" {
		return nil
	}
	return &letters.SMTP{
		Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: letters.TLSMode(c.SMTP.TLS), User: c.SMTP.User, Password: c.SMTP.Password,
	}
}
