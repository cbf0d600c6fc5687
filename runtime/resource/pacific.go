package resource

import "time"

// pacific returns t with the offset of America/Los_Angeles, in which the service prints times in its errors. The rule
// in force since 2007 is worked out here: loading it would need a time zone database, which minimal images lack and
// which would add 450 KB when embedded.
func pacific(t time.Time) time.Time {
	t = t.UTC()
	// Daylight saving time: from 2:00 standard time (10:00 UTC) on the second Sunday of March to 2:00 daylight time
	// (9:00 UTC) on the first Sunday of November.
	begin := sunday(t.Year(), time.March, 8).Add(10 * time.Hour)
	end := sunday(t.Year(), time.November, 1).Add(9 * time.Hour)
	if !t.Before(begin) && t.Before(end) {
		return t.In(time.FixedZone("PDT", -7*60*60))
	}
	return t.In(time.FixedZone("PST", -8*60*60))
}

// sunday returns the first Sunday of the month on or after day.
func sunday(year int, month time.Month, day int) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7)
}
