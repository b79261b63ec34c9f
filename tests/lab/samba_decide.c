/*
 * Samba's own access check on many questions, timed inside this program so that nothing but the check is counted.
 *
 *   samba_decide CASES ROUNDS
 *
 * prints one line of 0 and 1, an answer for each case of the file in order, and one line with the nanoseconds of
 * processor time that ROUNDS times all cases took. Built by the bench `decide`, which also writes the file; all numbers little-endian:
 *
 *   the right's GUID (16 bytes)
 *   number of tokens (u32), and for each: number of SIDs (u32), the SIDs in their binary form
 *   number of cases (u32), and for each: its token's number (u32), the object's own SID, length of the descriptor (u32),
 *   the self-relative descriptor
 *
 * Debian ships the library without headers. What is declared here is the layout of Samba 4.17, which the Python bindings
 * of the same package show as well; an answer that differs from ours would tell if another version had changed it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTROL_ACCESS 0x100u
#define NT_STATUS_OK 0u
#define NT_STATUS_ACCESS_DENIED 0xC0000022u
#define NDR_ERR_SUCCESS 0
/* Larger than the library's struct security_descriptor, which is read through its own code only. */
#define DESCRIPTOR_ROOM 256

struct dom_sid { uint8_t revision; int8_t count; uint8_t authority[6]; uint32_t subs[15]; };
struct security_token { uint32_t num_sids; struct dom_sid *sids; uint64_t privileges; uint32_t rights; };
struct guid { uint32_t a; uint16_t b, c; uint8_t d[2], e[6]; };
struct object_tree { uint32_t remaining_access; struct guid guid; int children_count; struct object_tree *children; };
struct data_blob { uint8_t *data; size_t length; };

extern bool insert_in_object_tree(void *, const struct guid *, uint32_t, struct object_tree *, struct object_tree **);
extern uint32_t sec_access_check_ds(const void *, const struct security_token *, uint32_t, uint32_t *,
				    struct object_tree *, struct dom_sid *);
extern int ndr_pull_struct_blob(const struct data_blob *, void *, void *, void *);
extern int ndr_pull_security_descriptor(void *, int, void *);

struct question { const struct security_token *token; struct dom_sid self; void *descriptor; };

static FILE *file;

static void fail(const char *what)
{
	fprintf(stderr, "samba_decide: %s\n", what);
	exit(1);
}

static void take(void *to, size_t length)
{
	if (length && fread(to, length, 1, file) != 1)
		fail("the file of cases ends early");
}

static uint32_t number(void)
{
	uint32_t value;
	take(&value, sizeof value);
	return value;
}

static void *room(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);
	if (!memory)
		fail("out of memory");
	return memory;
}

static void sid(struct dom_sid *to)
{
	memset(to, 0, sizeof *to);
	take(to, 8);
	if (to->count < 0 || to->count > 15)
		fail("a SID with more than 15 subauthorities");
	take(to->subs, 4 * (size_t)to->count);
}

/* `owner` is what Samba's memory hangs on; without one, what is read does not outlive the reading. */
static void *descriptor(void *owner)
{
	struct data_blob blob = { 0 };
	void *memory = room(1, DESCRIPTOR_ROOM);

	blob.length = number();
	blob.data = room(blob.length, 1);
	take(blob.data, blob.length);
	if (ndr_pull_struct_blob(&blob, owner, memory, (void *)ndr_pull_security_descriptor) != NDR_ERR_SUCCESS)
		fail("Samba cannot read a descriptor");
	free(blob.data);
	return memory;
}

static inline uint32_t ask(const struct question *question, struct object_tree *tree)
{
	uint32_t granted = 0;
	/* The check counts down in the tree; setting it back costs less than making it anew, as Samba itself does. */
	tree->remaining_access = CONTROL_ACCESS;
	return sec_access_check_ds(question->descriptor, question->token, CONTROL_ACCESS, &granted, tree,
				   (struct dom_sid *)&question->self);
}

int main(int argc, char **argv)
{
	struct object_tree *tree = NULL;
	struct security_token *tokens;
	struct question *questions;
	struct timespec begin, end;
	struct guid right;
	uint32_t token_count, count, round, i, j, refused = 0;

	if (argc != 3 || !(file = fopen(argv[1], "rb")))
		fail("usage: samba_decide CASES ROUNDS, with a file of cases that can be read");
	take(&right, sizeof right);
	if (!insert_in_object_tree(NULL, &right, CONTROL_ACCESS, NULL, &tree))
		fail("insert_in_object_tree failed");
	token_count = number();
	tokens = room(token_count, sizeof *tokens);
	for (i = 0; i < token_count; i++) {
		tokens[i].num_sids = number();
		tokens[i].sids = room(tokens[i].num_sids, sizeof *tokens[i].sids);
		for (j = 0; j < tokens[i].num_sids; j++)
			sid(&tokens[i].sids[j]);
	}
	count = number();
	questions = room(count, sizeof *questions);
	for (i = 0; i < count; i++) {
		uint32_t token = number();
		if (token >= token_count)
			fail("a case with a token that is not there");
		questions[i].token = &tokens[token];
		sid(&questions[i].self);
		questions[i].descriptor = descriptor(tree);
	}
	for (i = 0; i < count; i++) {
		uint32_t status = ask(&questions[i], tree);
		if (status != NT_STATUS_OK && status != NT_STATUS_ACCESS_DENIED)
			fail("sec_access_check_ds answered neither granted nor denied");
		putchar(status == NT_STATUS_OK ? '1' : '0');
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (round = 0; round < (uint32_t)atol(argv[2]); round++)
		for (i = 0; i < count; i++)
			refused += ask(&questions[i], tree) != NT_STATUS_OK;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	/* Both are printed so that no compiler may leave the loop out. */
	printf("\n%lld %u\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + (end.tv_nsec - begin.tv_nsec), refused);
	return 0;
}
