// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_init_child), libapparmor (aa_getcon, aa_change_profile)

package worker

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// confine changes to the AppArmor profile that apparmor_hat names, a child of the present one. The kernel confines the
// thread that asks: this one, on which PHP runs.
func (k *worker) confine() error {
	if !k.pool.AppArmorHat.Filled() {
		return nil
	}
	const attribute = "/proc/thread-self/attr/current"
	text, err := os.ReadFile(attribute)
	if err != nil || len(text) == 0 {
		if err == nil {
			err = unix.EINVAL
		}
		return k.failed(err, "failed to query apparmor confinement. Please check if \"/proc/*/attr/current\" is read and writeable.")
	}
	// "profile (mode)"
	current, _, _ := strings.Cut(strings.TrimRight(string(text), "\n\x00"), " (")
	hat := current + "//" + k.pool.AppArmorHat.Value
	if err := os.WriteFile(attribute, []byte("changeprofile "+hat), 0); err != nil {
		return k.failed(err, "failed to change to new confinement (%s). Please check if \"/proc/*/attr/current\" is read and writeable and \"change_profile -> %s//*\" is allowed.", hat, current)
	}
	return nil
}
