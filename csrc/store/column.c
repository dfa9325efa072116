#include "store/column.h"

#include "base/memory.h"

void za_column_chunk_free(za_column_chunk *chunk)
{
    if (za_column_chunk_is_lent(chunk)) {
        chunk->lender.release(&chunk->lender);
    } else {
        za_free(chunk->values);
    }
    *chunk = (za_column_chunk){0};
}

void za_table_free(za_table *table)
{
    for (int64_t i = 0; i < table->column_count; i++) {
        za_column *column = &table->columns[i];
        for (int32_t k = 0; k < column->text_count; k++) {
            za_free(column->texts[k]);
        }
        za_free(column->texts);
        za_free(column->text_lengths);
        for (int64_t k = 0; k < column->chunk_count; k++) {
            za_column_chunk_free(&column->chunks[k]);
        }
        za_free(column->chunks);
        za_free(column->missing);
        za_free(column->name);
        za_free(column->format);
        za_free(column->fault);
    }
    za_free(table->columns);
    *table = (za_table){0};
}
