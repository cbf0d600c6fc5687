package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// tlsFlags are the flags that say which TLS certificates to accept from the targets of tasks.
type tlsFlags struct {
	roots    *x509.CertPool // nil: the system's
	insecure bool
}

func (f *tlsFlags) define(flags *flag.FlagSet) {
	flags.Func("ca", "for https URLs, trust the PEM certificates in `FILE` in addition to the system's; may be repeated", f.addFile)
	flags.BoolVar(&f.insecure, "insecure-skip-tls-verify", false,
		"accept every TLS certificate: anyone on the network path can read and change what is sent, including tokens")
}

// addFile adds the certificates in a file.
func (f *tlsFlags) addFile(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if f.roots == nil {
		if f.roots, err = x509.SystemCertPool(); err != nil {
			return fmt.Errorf("reading the system's certificates: %w", err)
		}
	}
	found := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue // such as a private key
		}
		found++
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("certificate %d: %w", found, err)
		}
		f.roots.AddCert(certificate)
	}
	if found == 0 {
		return errors.New(`no certificate found: want PEM, which begins with "-----BEGIN CERTIFICATE-----"`)
	}
	return nil
}

// config returns the TLS configuration, nil for the default one.
func (f *tlsFlags) config() (*tls.Config, error) {
	switch {
	case f.insecure && f.roots != nil:
		return nil, cli.BadUsage("-ca and -insecure-skip-tls-verify cannot be combined: the latter accepts every certificate")
	case !f.insecure && f.roots == nil:
		return nil, nil
	}
	return &tls.Config{RootCAs: f.roots, InsecureSkipVerify: f.insecure}, nil
}
