//go:build e2e

package front

func init() { longer = 50 }
