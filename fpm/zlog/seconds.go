package zlog

import (
	"fmt"
	"time"
)

// Seconds returns a duration as php-fpm's messages have it, in seconds with six digits.
func Seconds(d time.Duration) string {
	us := d.Microseconds()
	return fmt.Sprintf("%d.%06d", us/1e6, us%1e6)
}
