/* letter_job.h - one mail under way, for those who write it and those who show it. Inner header. */
#ifndef TEMPLATES_LETTER_LETTER_JOB_H
#define TEMPLATES_LETTER_LETTER_JOB_H

#include "templates/letter/letter_field.h"
#include "templates/letter/letter_parts.h"

struct err;
struct mail;
struct mime_out;

void letter_job_begin(struct letter_job *job, const struct letter *l, struct letter_desk *d, struct arena *a,
		      const struct row *r, int64_t wall_ms);
/* Renders a field that is not fixed, and keeps what the envelope needs of it. */
int letter_job_field(struct letter_job *job, const struct letter_field *f, struct letter_field_value *v,
		     struct err *e);
/* The addresses of fixed fields and of those that never leave. */
int letter_job_roles(struct letter_job *job, struct err *e);
/* Name and octets of a file that is read for this mail: 1; 0 this mail has none; -1 with e. */
int letter_job_file(struct letter_job *job, const struct letter_file *f, struct letter_file_name *name,
		    struct span *octets, struct err *e);

/* Writes what one step of the message program stands for. */
int letter_job_op(struct letter_job *job, const struct letter_op *op, struct mime_out *o, struct err *e);
/* The envelope, when all fields are rendered. */
int letter_job_sender(struct letter_job *job, struct span *out, struct err *e);
int letter_job_recipients(struct letter_job *job, struct mail *out, struct err *e);
/* The To of the letter must have the address of the column that was named for it. */
int letter_job_column(struct letter_job *job, struct err *e);

#endif
