// Package guard keeps other people's web pages away from what a program serves on its user's own machine, where there is
// no password: pages that a browser sends there across sites, and pages that have the address given a name of their own
// (DNS rebinding).
package guard

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Guard checks requests.
type Guard struct {
	host  string // that is accepted besides this machine's own names; "": none
	cross *http.CrossOriginProtection
}

// New returns a guard that accepts requests to this machine's own names, and to host, without a port, if it is not "".
func New(host string) *Guard {
	return &Guard{host: host, cross: http.NewCrossOriginProtection()}
}

// Check returns why the request is not to be answered, nil if it is.
func (g *Guard) Check(r *http.Request) error {
	if !g.ownName(r.Host) {
		return fmt.Errorf("not answered under the name %q: use this machine's own (localhost, 127.0.0.1), or name the host with -advertise", r.Host)
	}
	if err := g.cross.Check(r); err != nil {
		return fmt.Errorf("not for other sites' pages: %w", err)
	}
	return nil
}

// ownName reports whether host, with or without a port, is a name of this machine or the one that is accepted.
func (g *Guard) ownName(hostPort string) bool {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") || g.host != "" && strings.EqualFold(host, g.host) {
		return true
	}
	return net.ParseIP(host).IsLoopback()
}
