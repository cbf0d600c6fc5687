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

// tlsFlags are the flags that say whom a program that sends tasks trusts.
type tlsFlags struct {
	roots    *x509.CertPool // nil: the system's
	insecure bool
}

func (f *tlsFlags) define(flags *flag.FlagSet) {
	flags.Func("ca", "trust the certificates in `FILE`, in PEM, besides those of the system, when tasks go to https URLs; may be repeated", f.addFile)
	flags.BoolVar(&f.insecure, "insecure-skip-tls-verify", false, "trust every certificate: whoever is between can read and change what is sent, tokens included")
}

// addFile adds the certificates of a file.
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
			continue // such as a key that stands beside its certificate
		}
		found++
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("certificate %d of the file: %w", found, err)
		}
		f.roots.AddCert(certificate)
	}
	if found == 0 {
		return errors.New(`no certificate in it: want PEM, which begins with "-----BEGIN CERTIFICATE-----"`)
	}
	return nil
}

// config returns nil where the flags say nothing.
func (f *tlsFlags) config() (*tls.Config, error) {
	switch {
	case f.insecure && f.roots != nil:
		return nil, cli.BadUsage("-insecure-skip-tls-verify trusts every certificate: leave out -ca, or the flag")
	case !f.insecure && f.roots == nil:
		return nil, nil
	}
	return &tls.Config{RootCAs: f.roots, InsecureSkipVerify: f.insecure}, nil
}
