package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/outbound"
	letters "github.com/minddistrict/idp/notify"
)

// gateways are those of a configuration, with where they report; nil: there are none.
func gateways(c *configs.Config, log *slog.Logger) (letters.Gateway, map[string]letters.ReportedBy, error) {
	client, reports := outbound.NewClient(c.Outbound.Networks()), map[string]letters.ReportedBy{}
	var names []string
	var all []letters.Gateway
	for _, g := range []struct {
		name string
		configs.Gateway
	}{{"first", c.SMS.First}, {"second", c.SMS.Second}} {
		if g.Kind == "" {
			continue
		}
		gateway, err := newGateway(g.name, g.Gateway, client)
		if err != nil {
			return nil, nil, fmt.Errorf("sms.%s: %w", g.name, err)
		}
		names, all = append(names, g.name), append(all, gateway)
		reports[g.name] = letters.ReportedBy{Secret: g.ReportSecret, Gateway: gateway}
	}
	if len(all) == 0 {
		return nil, nil, nil
	}
	return letters.NewGateways(names, all, time.Now, log), reports, nil
}

func newGateway(name string, g configs.Gateway, client *http.Client) (letters.Reporter, error) {
	return letters.NewGateway(letters.GatewayAccount{
		Name: name, Kind: g.Kind, URL: g.URL, Account: g.Account, User: g.User, Token: g.Token, Sender: g.Sender,
		Format: g.Format, Body: g.Body, Authorization: g.Authorization, ReportSecret: g.ReportSecret, Client: client,
	})
}
