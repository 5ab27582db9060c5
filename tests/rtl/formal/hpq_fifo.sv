  // What hpq_fifo promises; stands at the end of a copy of the module.
  //
  // Any beat, chosen when it goes in, is followed: it leaves when as many have left as were there before it, and
  // shows itself unchanged as long as it is next. So none is lost, made, exchanged or changed while it waits.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic f_push, f_pop;
  assign f_push = in_valid && in_ready;
  assign f_pop  = out_valid && out_ready;
  logic [COUNT_W-1:0] f_fill;  // beats that went in and have not left, as the ports tell
  always_ff @(posedge clk) begin
    if (rst) f_fill <= '0;
    else f_fill <= f_fill + COUNT_W'(f_push) - COUNT_W'(f_pop);
  end

  (* anyseq *) logic f_pick;
  (* anyconst *) logic [ADDR_W-1:0] f_slot;  // where the memory holds the beat that is followed
  logic               f_followed;
  logic [COUNT_W-1:0] f_ahead;  // beats that leave before it
  logic [  WIDTH-1:0] f_value;
  logic               f_waited;
  always_ff @(posedge clk) begin
    f_waited <= !rst && out_valid && !out_ready;
    if (rst) f_followed <= 1'b0;
    else if (f_followed && f_pop) begin
      f_followed <= f_ahead != '0;
      f_ahead    <= f_ahead - 1'b1;
    end else if (!f_followed && f_pick && f_push) begin
      f_followed <= 1'b1;
      f_ahead    <= f_fill - COUNT_W'(f_pop);
      f_value    <= in_data;
    end
  end

  always_comb begin
    if (f_started) begin
      assert (f_fill <= COUNT_W'(DEPTH));
      assert (in_ready == (f_fill != COUNT_W'(DEPTH)));
      assert (out_valid == (f_fill != '0));
      if (f_waited) assert (out_valid);
      if (f_followed) assert (f_ahead < f_fill);
      if (f_followed && f_ahead == '0) assert (out_data == f_value);
      // From here on: what makes the above inductive.
      assert (count == f_fill);
    end
    cover (f_started && f_followed && f_pop && f_ahead == '0 && !f_waited);
    cover (f_started && f_followed && f_waited && f_push && !f_pop);
    if (DEPTH <= 8) cover (f_started && f_fill == COUNT_W'(DEPTH) && f_followed && f_ahead == COUNT_W'(DEPTH - 1));
  end

  // In style "block": of the memory's own properties, which say that the word at f_at is f_word.
  (* hierconn *) logic [ADDR_W-1:0] \memory.block.ram.f_at ;
  (* hierconn *) logic [ WIDTH-1:0] \memory.block.ram.f_word ;
  (* hierconn *) logic \memory.block.ram.f_known ;

  if (88'(STYLE) == 88'("shift")) begin : f_shift
    logic [ADDR_W-1:0] at;
    assign at = ADDR_W'(f_fill - f_ahead - 1'b1);
    for (genvar b = 0; b < WIDTH; b++) begin : line
      logic [DEPTH-1:0] stage;
      assign stage = shift.line[b].stage;
      always_comb if (f_started && f_followed) assert (stage[at] == f_value[b]);
    end
  end else begin : f_memory
    localparam int SUM_W = ADDR_W + 2;
    logic [ADDR_W-1:0] write_ptr, read_ptr;
    logic [ SUM_W-1:0] filled_to, at;
    assign write_ptr = memory.write_ptr;
    assign read_ptr  = memory.read_ptr;
    assign filled_to = SUM_W'(read_ptr) + SUM_W'(f_fill);
    assign at        = SUM_W'(read_ptr) + SUM_W'(f_ahead);
    always_comb begin
      assume (32'(f_slot) < DEPTH);
      if (f_pick && !f_followed) assume (f_slot == write_ptr);
      if (f_started) begin
        assert (32'(read_ptr) < DEPTH);
        assert (SUM_W'(write_ptr) == ((32'(filled_to) >= DEPTH) ? filled_to - SUM_W'(DEPTH) : filled_to));
        if (f_followed) assert (SUM_W'(f_slot) == ((32'(at) >= DEPTH) ? at - SUM_W'(DEPTH) : at));
      end
    end
    if (88'(STYLE) == 88'("distributed")) begin : distributed
      always_comb if (f_started && f_followed) assert (memory.distributed.ram[f_slot] == f_value);
    end else begin : block
      always_comb begin
        assume (\memory.block.ram.f_at == f_slot);
        if (f_started && f_followed) begin
          assert (\memory.block.ram.f_known );
          assert (\memory.block.ram.f_word == f_value);
        end
      end
    end
  end
