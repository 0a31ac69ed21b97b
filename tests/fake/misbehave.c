/* misbehave.c - which fault strikes. A fault counts its own matches: stage, connection and addresses
 * decide whether something matches, and then its number decides whether it strikes. With p= the number
 * and the seed decide, so a run with the same seed and the same order strikes the same. */
#include "tests/fake/misbehave.h"

#include <stdlib.h>

static bool matches(const struct fault *f, enum stage stage, uint64_t conn, const struct fault_subject *subject)
{
	if (!(f->stages & stage) || (f->conn && f->conn != conn))
		return false;
	if (f->has_mail && !text_matches(subject->mail, &f->mail))
		return false;
	if (!f->has_rcpt)
		return true;
	for (size_t i = 0; i < subject->n_rcpt; i++)
		if (text_matches(subject->rcpt[i], &f->rcpt))
			return true;
	return false;
}

/* splitmix64: equally spread whatever the seed. */
static double uniform(uint64_t seed, uint64_t fault, uint64_t number)
{
	uint64_t z = seed + (fault << 40) + number * 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static bool strikes(const struct fault *f, uint64_t seed, size_t index, uint64_t number)
{
	if (f->nth && f->nth != number)
		return false;
	if (f->every && number % f->every)
		return false;
	if (f->from && number < f->from)
		return false;
	if (f->to && number > f->to)
		return false;
	return f->p < 0 || uniform(seed, index, number) < f->p;
}

const struct fault *faults_pick(const struct faults *fs, enum stage stage, uint64_t conn, uint64_t *conn_seen,
				const struct fault_subject *subject)
{
	const struct fault *struck = NULL;

	for (size_t i = 0; i < fs->n; i++) {
		struct fault *f = fs->list[i];
		uint64_t number;

		if (!matches(f, stage, conn, subject))
			continue;
		conn_seen[i]++;
		number = atomic_fetch_add_explicit(&f->seen, 1, memory_order_relaxed) + 1;
		if (f->per_conn)
			number = conn_seen[i];
		if (!struck && strikes(f, fs->seed, i, number))
			struck = f;
	}
	return struck;
}

void faults_free(struct faults *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		struct fault *f = fs->list[i];

		if (f->has_rcpt)
			regfree(&f->rcpt);
		if (f->has_mail)
			regfree(&f->mail);
		bytes_free(&f->reply);
		bytes_free(&f->garbage);
		bytes_free(&f->inject);
		bytes_free(&f->early);
		free(f);
	}
	free(fs->list);
	*fs = (struct faults){ 0 };
}
