/* The innermost loops of fzctl's scan, for those who want the last factor of two.
 *
 * They do what fzctl/pcap/skim.py does, which explains it and stays the reference: pass over
 * plain traffic, count it, and stop at the first record that is anything else. They may stop too
 * early, never too late. Nothing is read outside the buffer, whatever lengths it claims.
 */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define RECORD_HEADER 16
#define BLOCK_HEAD 28
#define FRAMING 32
#define TRAILER 4
#define ENHANCED_PACKET 6

typedef struct {
    int big;
    Py_ssize_t probe;
    Py_buffer view;
    Py_ssize_t position;
    Py_ssize_t number;
} Scan;

static inline uint32_t
word(const uint8_t *at, int big)
{
    return big ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
               : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static inline int
is_zero(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value == 0;
}

/* Lets go of the view where it says no. */
static int
is_sound(Scan *scan)
{
    if (scan->probe < 0 || scan->probe > UINT16_MAX || scan->position < 0) {
        PyErr_SetString(PyExc_ValueError, "a probe or a position out of range");
        PyBuffer_Release(&scan->view);
        return 0;
    }
    return 1;
}

static PyObject *
finish(Scan *scan, size_t at, Py_ssize_t number)
{
    PyBuffer_Release(&scan->view);
    return Py_BuildValue("nn", (Py_ssize_t)at, number);
}

PyDoc_STRVAR(skim_records_doc,
"skim_records(big_endian, probe, view, position, number) -> (position, number)\n\n"
"Pass over the pcap records at position that are whole and whose four bytes at probe are not zero.");

static PyObject *
skim_records(PyObject *Py_UNUSED(module), PyObject *args)
{
    Scan scan;
    if (!PyArg_ParseTuple(args, "pny*nn", &scan.big, &scan.probe, &scan.view, &scan.position, &scan.number))
        return NULL;
    if (!is_sound(&scan))
        return NULL;
    const uint8_t *data = scan.view.buf;
    const size_t end = (size_t)scan.view.len;
    const size_t least = RECORD_HEADER + (size_t)scan.probe + 4;
    size_t at = (size_t)scan.position;
    Py_ssize_t number = scan.number;
    while (at <= end && end - at >= least) {
        const size_t size = RECORD_HEADER + (size_t)word(data + at + 8, scan.big);
        if (size > end - at || is_zero(data + at + RECORD_HEADER + scan.probe))
            break;
        at += size;
        number++;
    }
    return finish(&scan, at, number);
}

PyDoc_STRVAR(skim_blocks_doc,
"skim_blocks(big_endian, probe, interfaces, view, position, number) -> (position, number)\n\n"
"The same for enhanced packet blocks of pcapng whose interface is one of a frozenset.");

static PyObject *
skim_blocks(PyObject *Py_UNUSED(module), PyObject *args)
{
    Scan scan;
    PyObject *interfaces;
    if (!PyArg_ParseTuple(args, "pnOy*nn", &scan.big, &scan.probe, &interfaces, &scan.view, &scan.position,
                          &scan.number))
        return NULL;
    if (!is_sound(&scan))
        return NULL;
    const uint8_t *data = scan.view.buf;
    const size_t end = (size_t)scan.view.len;
    const size_t least = BLOCK_HEAD + (size_t)scan.probe + 4;
    size_t at = (size_t)scan.position;
    Py_ssize_t number = scan.number;
    int is_known = 0;
    uint32_t known = 0;
    while (at <= end && end - at >= least) {
        const uint8_t *block = data + at;
        const uint32_t size = word(block + 4, scan.big);
        const uint32_t interface = word(block + 8, scan.big);
        if (word(block, scan.big) != ENHANCED_PACKET || size & 3 || size < FRAMING || size > end - at ||
            word(block + 20, scan.big) > size - FRAMING || is_zero(block + BLOCK_HEAD + scan.probe) ||
            word(block + size - TRAILER, scan.big) != size)
            break;
        if (!is_known || interface != known) {
            PyObject *index = PyLong_FromUnsignedLong(interface);
            const int found = index == NULL ? -1 : PySet_Contains(interfaces, index);
            Py_XDECREF(index);
            if (found < 0) {
                PyBuffer_Release(&scan.view);
                return NULL;
            }
            if (!found)
                break;
            is_known = 1;
            known = interface;
        }
        at += size;
        number++;
    }
    return finish(&scan, at, number);
}

static PyMethodDef methods[] = {
    {"skim_records", skim_records, METH_VARARGS, skim_records_doc},
    {"skim_blocks", skim_blocks, METH_VARARGS, skim_blocks_doc},
    {NULL, NULL, 0, NULL},
};

static int
set_up(PyObject *module)
{
    /* What fzctl/pcap/engine.py asks for; to be raised with every change of a signature. */
    return PyModule_AddIntConstant(module, "INTERFACE", 1);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, set_up},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fzctl_kernel",
    .m_doc = "The innermost loops of fzctl's scan, compiled.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_fzctl_kernel(void)
{
    return PyModuleDef_Init(&definition);
}
