// Package guard keeps other people's web pages away from what a program serves without a password on its user's own
// machine: pages whose address has been given the machine's IP address (DNS rebinding), and pages that make the browser
// send requests across sites.
package guard

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Guard checks requests. It accepts the hosts that nobody can register on the Internet: see [Guard.CheckHost].
type Guard struct {
	hosts map[string]bool // further ones, in lower case
	cross *http.CrossOriginProtection
}

// New returns a guard that accepts the given hosts too. They have no ports; empty ones count for nothing.
func New(hosts ...string) *Guard {
	g := &Guard{hosts: make(map[string]bool), cross: http.NewCrossOriginProtection()}
	for _, host := range hosts {
		if host != "" {
			g.hosts[normalize(host)] = true
		}
	}
	return g
}

// Check returns why an API does not answer the request, nil if it does. Whatever their method, requests that a browser makes
// for a page of another site are refused: such a page cannot read the answer, so it has nothing good in mind.
func (g *Guard) Check(r *http.Request) error { return g.check(r, false) }

// CheckPage is [Guard.Check] for a web page, which links on other sites may lead to.
func (g *Guard) CheckPage(r *http.Request) error { return g.check(r, true) }

func (g *Guard) check(r *http.Request, page bool) error {
	if r.Context().Value(checked{}) != nil {
		return nil
	}
	if err := g.CheckHost(r.Host); err != nil {
		return err
	}
	if page && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return nil
	}
	strict := *r
	strict.Method = http.MethodPost // the standard library's check passes every GET
	if err := g.cross.Check(&strict); err != nil {
		return fmt.Errorf("refused: a web page of another site made the request: %w", err)
	}
	return nil
}

type checked struct{}

// Checked returns a context whose requests pass every guard: one has checked them already.
func Checked(ctx context.Context) context.Context { return context.WithValue(ctx, checked{}, true) }

// privateDomains are the domains that are never registered on the Internet, so that no page can be given a name in them:
// reserved ones (RFC 6761; .internal by ICANN's resolution 2024.07.29.06) and those of Kubernetes' services.
var privateDomains = []string{"localhost", "test", "internal", "svc", "cluster.local"}

// CheckHost returns why requests are not answered under the name hostPort, with or without a port; nil if they are. It
// accepts IP addresses, names without a dot, such as those of containers, names in the private domains (localhost, test,
// internal, svc, cluster.local), and the hosts given to [New].
func (g *Guard) CheckHost(hostPort string) error {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	host = normalize(host)
	if !strings.Contains(host, ".") || g.hosts[host] {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	for _, domain := range privateDomains {
		if rest, ok := strings.CutSuffix(host, domain); ok && strings.HasSuffix(rest, ".") {
			return nil
		}
	}
	return fmt.Errorf("refused: %q could be the name of a web page that has been given this machine's address: use localhost or an IP address, "+
		"or allow the name with -allow-host or -advertise", hostPort)
}

// normalize returns a host as it is compared: in lower case, without the brackets of IPv6 addresses and the dot of the root.
func normalize(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
