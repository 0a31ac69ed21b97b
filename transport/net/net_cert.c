/* net_cert.c - what is wrong with a certificate, in plain words.
 *
 * Everything in a certificate comes from a stranger: names are shown with '?' for control bytes and
 * cut. Held by tests/unit/test_net_tls.c with a certificate for each case. */
#include "transport/net/net_cert.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "transport/net/net.h"

enum {
	NAMES_SHOWN = 6,
	NAME_MAX_SHOWN = 80,
	NAMES_TEXT = 480,
	DATE_WORDS = 72
};

static void date_words(const ASN1_TIME *t, char out[DATE_WORDS])
{
	struct tm tm;

	if (t && ASN1_TIME_to_tm(t, &tm) == 1)
		snprintf(out, DATE_WORDS, "%04d-%02d-%02d %02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min);
	else
		snprintf(out, DATE_WORDS, "an unreadable date");
}

/* The common name, else the organisation, of a subject or issuer. */
static void party_words(X509_NAME *name, char out[NAME_MAX_SHOWN])
{
	static const int kinds[] = { NID_commonName, NID_organizationName, NID_organizationalUnitName };

	for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++) {
		int at = X509_NAME_get_index_by_NID(name, kinds[i], -1);
		const X509_NAME_ENTRY *entry = at < 0 ? NULL : X509_NAME_get_entry(name, at);
		unsigned char *text = NULL;
		int n = entry ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)) : -1;

		if (n > 0) {
			utf8_printable(span_of(text, (size_t)n), out, NAME_MAX_SHOWN);
			OPENSSL_free(text);
			return;
		}
		OPENSSL_free(text);
	}
	snprintf(out, NAME_MAX_SHOWN, "somebody without a name");
}

static void one_name(const GENERAL_NAME *g, char out[NAME_MAX_SHOWN])
{
	out[0] = '\0';
	if (g->type == GEN_DNS) {
		const ASN1_IA5STRING *s = g->d.dNSName;

		utf8_printable(span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), out,
			       NAME_MAX_SHOWN);
	} else if (g->type == GEN_IPADD) {
		int n = ASN1_STRING_length(g->d.iPAddress);

		if (n == 4 || n == 16)
			inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(g->d.iPAddress), out,
				  NAME_MAX_SHOWN);
	}
}

/* "a.example, b.example and 3 more"; "" when the certificate names no host. */
static void host_names(X509 *cert, char out[NAMES_TEXT])
{
	GENERAL_NAMES *all = cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
	int shown = 0, more = 0;
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++) {
		char name[NAME_MAX_SHOWN];

		one_name(sk_GENERAL_NAME_value(all, i), name);
		if (name[0] == '\0')
			continue;
		if (shown == NAMES_SHOWN || n + strlen(name) + 24 > NAMES_TEXT) {
			more++;
			continue;
		}
		n += (size_t)snprintf(out + n, NAMES_TEXT - n, "%s%s", shown ? ", " : "", name);
		shown++;
	}
	if (more)
		snprintf(out + n, NAMES_TEXT - n, " and %d more", more);
	GENERAL_NAMES_free(all);
}

static void wrong_name(X509 *leaf, const char *host, struct err *e)
{
	char names[NAMES_TEXT];

	host_names(leaf, names);
	if (names[0])
		err_set(e, ERR_TLS, "the server's certificate is not for %s but for %s", host, names);
	else
		err_set(e, ERR_TLS, "the server's certificate is not for %s: it names no host at all", host);
	err_hint(e, "write the relay's URL with a name that its certificate has");
}

static void bad_date(bool expired, X509 *bad, bool is_leaf, const char *host, struct err *e)
{
	char date[DATE_WORDS], party[NAME_MAX_SHOWN];

	date_words(!bad ? NULL : expired ? X509_get0_notAfter(bad) : X509_get0_notBefore(bad), date);
	party_words(bad ? X509_get_subject_name(bad) : NULL, party);
	if (is_leaf)
		err_set(e, ERR_TLS, "the certificate of %s %s %s", host, expired ? "expired on" : "is not valid before",
			date);
	else
		err_set(e, ERR_TLS, "the certificate of '%s', which vouches for %s, %s %s", party, host,
			expired ? "expired on" : "is not valid before", date);
	err_hint(e, expired ? "the relay's owner must renew it; is this machine's clock right?"
			    : "is this machine's clock right?");
}

static void unknown_issuer(X509 *bad, const char *host, struct err *e)
{
	char issuer[NAME_MAX_SHOWN];

	party_words(bad ? X509_get_issuer_name(bad) : NULL, issuer);
	err_set(e, ERR_TLS, "the certificate of %s comes from '%s', whom this machine does not know", host, issuer);
	err_hint(e, "if you trust that authority, name its certificate with ?ca=FILE in the relay's URL");
}

static void self_signed(const char *host, struct err *e)
{
	err_set(e, ERR_TLS, "the certificate of %s is self-signed: nobody vouches for it", host);
	err_hint(e, "if it is your own server, save its certificate and name it with ?ca=FILE in the relay's URL");
}

/* What is rare, without the words of X.509. */
static const char *plain_words(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return "its signature is not by whom it names";
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_NON_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return "who vouches for it may vouch for nobody";
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return "more vouch for one another in it than the first of them allows";
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return "who vouches for it may not do so for such names";
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return "it has a condition that is not known here";
	default:
		return X509_verify_cert_error_string(code);
	}
}

void net_cert_explain(int code, X509 *bad, X509 *leaf, const char *host, struct err *e)
{
	bool is_leaf = !bad || !leaf || X509_cmp(bad, leaf) == 0;

	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		bad_date(code == X509_V_ERR_CERT_HAS_EXPIRED, bad, is_leaf, host, e);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		self_signed(host, e);
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		unknown_issuer(bad, host, e);
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		wrong_name(leaf ? leaf : bad, host, e);
		return;
	case X509_V_ERR_CERT_REVOKED:
		err_set(e, ERR_TLS, "the certificate of %s was revoked", host);
		return;
	case X509_V_ERR_INVALID_PURPOSE:
		err_set(e, ERR_TLS, "the certificate of %s is not meant for a server", host);
		return;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		err_set(e, ERR_TLS, "the certificate of %s is too weak: %s", host, X509_verify_cert_error_string(code));
		return;
	default:
		err_set(e, ERR_TLS, "the certificate of %s cannot be trusted: %s", host, plain_words(code));
	}
}

/* An unreadable date is the beginning of 1970. */
static int64_t date_ms(const ASN1_TIME *t)
{
	struct tm tm;
	struct civil c;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	c = (struct civil){ .year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday,
			    .hour = tm.tm_hour, .minute = tm.tm_min, .second = tm.tm_sec };
	return clock_from_civil(&c, 0);
}

int net_cert_read(X509 *cert, struct net_cert_facts *out)
{
	unsigned n = sizeof out->sha256;

	_Static_assert((int)NET_CERT_NAMES == (int)NAMES_TEXT && (int)NET_CERT_PARTY == (int)NAME_MAX_SHOWN,
		       "written by the functions above");
	memset(out, 0, sizeof *out);
	host_names(cert, out->names);
	party_words(X509_get_issuer_name(cert), out->issuer);
	out->from_ms = date_ms(X509_get0_notBefore(cert));
	out->until_ms = date_ms(X509_get0_notAfter(cert));
	return X509_digest(cert, EVP_sha256(), out->sha256, &n) == 1 && n == sizeof out->sha256 ? 0 : -1;
}
