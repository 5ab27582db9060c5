  // What hpq_ram promises; stands at the end of a copy of the module. Any one address is followed.
  (* anyconst *) logic [ADDR_W-1:0] f_at;
  logic             f_known = 1'b0;  // has been written
  logic             f_shown = 1'b0;  // its word was read last, and is what read_data shows
  logic [WIDTH-1:0] f_word, f_read;
  always_comb assume (32'(f_at) < DEPTH);
  always_ff @(posedge clk) begin
    if (write_en && write_addr == f_at) begin
      f_known <= 1'b1;
      f_word  <= write_data;
    end
    if (read_en) begin
      f_shown <= f_known && read_addr == f_at;
      f_read  <= f_word;  // old, should it be written at the same time
    end
  end

  always_comb begin
    if (f_shown) assert (read_data == f_read);
    cover (f_shown && f_word != f_read);
  end
  if (88'(STYLE) == 88'("distributed")) begin : f_distributed
    always_comb if (f_known) assert (distributed.words[f_at] == f_word);
  end else begin : f_block
    always_comb if (f_known) assert (block.words[f_at] == f_word);
  end
