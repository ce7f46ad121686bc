/* delay LEFT RIGHT MICROSECONDS: two network interfaces that are the ends of one long line.
 *
 * Each frame that goes into one comes out of the other MICROSECONDS later, in order, none lost. For kernels without netem.
 * Prints a line once both interfaces are there; ends when it is killed, and the interfaces with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 16384, LONGEST = 1600 };

struct frame {
    long long due;
    int length;
    char bytes[LONGEST];
};

/* What is on its way in one direction. */
struct line {
    int from, to;
    unsigned first, next;
    struct frame frames[FRAMES];
};

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int tap(const char *name) {
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (file < 0 || ioctl(file, TUNSETIFF, &request) < 0) {
        perror(name);
        exit(1);
    }
    return file;
}

int main(int count, char **words) {
    if (count != 4) return fputs("usage: delay LEFT RIGHT MICROSECONDS\n", stderr), 2;
    static struct line lines[2];
    lines[0].from = lines[1].to = tap(words[1]);
    lines[1].from = lines[0].to = tap(words[2]);
    long long wait = atoll(words[3]) * 1000;
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd files[2];
        long long soonest = -1;
        for (int i = 0; i < 2; i++) {
            struct line *line = &lines[i];
            int full = line->next - line->first == FRAMES;
            files[i] = (struct pollfd){.fd = line->from, .events = full ? 0 : POLLIN};
            if (line->next != line->first) {
                long long due = line->frames[line->first % FRAMES].due;
                if (soonest < 0 || due < soonest) soonest = due;
            }
        }
        long long rest = soonest < 0 ? 0 : soonest - now();
        if (rest < 0) rest = 0;
        struct timespec timeout = {rest / 1000000000, rest % 1000000000};
        ppoll(files, 2, soonest < 0 ? NULL : &timeout, NULL);
        for (int i = 0; i < 2; i++) {
            struct line *line = &lines[i];
            long long time = now();
            while (line->next - line->first < FRAMES) {
                struct frame *frame = &line->frames[line->next % FRAMES];
                frame->length = read(line->from, frame->bytes, LONGEST);
                if (frame->length <= 0) break;
                frame->due = time + wait;
                line->next++;
            }
            while (line->next != line->first && line->frames[line->first % FRAMES].due <= now()) {
                struct frame *frame = &line->frames[line->first % FRAMES];
                if (write(line->to, frame->bytes, frame->length) < 0 && errno == EAGAIN) break;
                line->first++;
            }
        }
    }
}
