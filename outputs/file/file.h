/*
 * The file output: documents as lines of a file, rotated by size, kept by number.
 *
 * `replay -o FILE` fills a struct file_conf itself: path "", the file as filename, truncate, and
 * rotate_every_kb 0.
 */
#ifndef WIRESPAN_OUTPUTS_FILE_H
#define WIRESPAN_OUTPUTS_FILE_H

#include "outputs/output.h"

struct file_conf {
	char *path; /* the folder; "" when filename says all */
	char *filename;
	int64_t rotate_every_kb; /* 0 never */
	int64_t number_of_files; /* the one being written included */
	char *permissions;	 /* octal */
	bool truncate;		 /* begin empty; not an option */
};

extern const struct output output_file;

#endif
