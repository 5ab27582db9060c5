  // What hpq_fifo promises; stands at the end of a copy of the module.
  //
  // Any beat, chosen when it goes in, is followed: its data is taken LATENCY cycles later, it leaves when as many have
  // left as were there before it, and shows itself unchanged as long as it is next. So none is lost, made, exchanged or
  // changed while it waits.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  localparam int F_AGE_W = $clog2(LATENCY + 2);
  logic f_push, f_pop, f_comes;
  assign f_push = in_valid && in_ready;
  assign f_pop  = out_valid && out_ready;
  // Beats that went in and have not left, and those of them whose data is here, as the ports tell.
  logic [COUNT_W-1:0] f_fill, f_here;
  logic [  LATENCY:0] f_late;  // at i: a beat went in i cycles ago
  assign f_late[0] = f_push;
  assign f_comes   = f_late[LATENCY];
  for (genvar i = 0; i < LATENCY; i++) begin : f_stage
    always_ff @(posedge clk) f_late[i+1] <= f_late[i] && !rst;
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      f_fill <= '0;
      f_here <= '0;
    end else begin
      f_fill <= f_fill + COUNT_W'(f_push) - COUNT_W'(f_pop);
      f_here <= f_here + COUNT_W'(f_comes) - COUNT_W'(f_pop);
    end
  end

  (* anyseq *) logic f_pick;
  (* anyconst *) logic [ADDR_W-1:0] f_slot;  // where the memory holds the beat that is followed
  logic               f_followed;
  logic [F_AGE_W-1:0] f_age;    // cycles since it went in, 0 once its data is here
  logic [COUNT_W-1:0] f_ahead;  // beats that leave before it
  logic [  WIDTH-1:0] f_value;
  logic               f_waited, f_enters, f_arrives;
  assign f_enters  = !f_followed && f_pick && f_push;
  assign f_arrives = (LATENCY == 0) ? f_enters : f_followed && f_age == F_AGE_W'(LATENCY);
  always_ff @(posedge clk) begin
    f_waited <= !rst && out_valid && !out_ready;
    if (f_arrives) f_value <= in_data;
    if (rst) f_followed <= 1'b0;
    else if (f_followed) begin
      if (f_age != '0) f_age <= f_arrives ? '0 : f_age + 1'b1;
      if (f_pop) f_ahead <= f_ahead - 1'b1;
      if (f_pop && f_ahead == '0) f_followed <= 1'b0;
    end else if (f_enters) begin
      f_followed <= 1'b1;
      f_age      <= F_AGE_W'(LATENCY != 0);
      f_ahead    <= f_fill - COUNT_W'(f_pop);
    end
  end

  logic [31:0] f_under_way, f_younger;
  always_comb begin
    f_under_way = '0;
    f_younger   = '0;
    for (int i = 1; i <= LATENCY; i++) begin
      f_under_way += 32'(f_late[i]);
      if (f_age == '0 || i < 32'(f_age)) f_younger += 32'(f_late[i]);
    end
  end

  always_comb begin
    if (f_started) begin
      assert (f_fill <= COUNT_W'(DEPTH));
      assert (in_ready == (f_fill != COUNT_W'(DEPTH)));
      assert (out_valid == (f_here != '0));
      if (f_waited) assert (out_valid);
      if (f_followed) assert (f_ahead < f_fill);
      if (f_followed && f_age == '0) assert (f_ahead < f_here);
      if (f_followed && f_age == '0 && f_ahead == '0) assert (out_data == f_value);
      // From here on: what makes the above inductive.
      assert (32'(f_fill) == 32'(f_here) + f_under_way);
      if (f_followed && f_age != '0) begin
        assert (32'(f_age) <= LATENCY);
        assert (f_late[f_age]);
        assert (32'(f_fill) == 32'(f_ahead) + f_younger + 1);
      end
    end
    cover (f_started && f_followed && f_pop && f_ahead == '0 && !f_waited);
    cover (f_started && f_followed && f_waited && f_push && !f_pop);
    if (DEPTH <= 8) cover (f_started && f_fill == COUNT_W'(DEPTH) && f_followed && f_ahead == COUNT_W'(DEPTH - 1));
  end
  if (LATENCY > 0) begin : f_later
    logic [LATENCY-1:0] going;
    logic [COUNT_W-1:0] held;
    assign going = later.going;
    assign held  = later.held;
    always_comb if (f_started) begin
      assert (going == f_late[LATENCY-1:0]);
      assert (held == f_fill);
    end
  end

  // In style "block", of one slice: of the memory's own properties, which say that the word at f_at is f_word.
  (* hierconn *) logic [ADDR_W-1:0] \slice[0].memory.block.ram.f_at ;
  (* hierconn *) logic [ WIDTH-1:0] \slice[0].memory.block.ram.f_word ;
  (* hierconn *) logic \slice[0].memory.block.ram.f_known ;

  for (genvar s = 0; s < SLICES; s++) begin : f_slice
    localparam int BITS = (WIDTH - s * SLICE < SLICE) ? WIDTH - s * SLICE : SLICE;
    logic [BITS-1:0] value;
    assign value = f_value[s*SLICE+:BITS];
    if (LATENCY > 0) begin : f_later
      logic comes;
      assign comes = slice[s].later.comes;
      always_comb if (f_started) assert (comes == f_late[LATENCY]);
    end
    if (88'(STYLE) == 88'("shift")) begin : f_shift
      logic [ADDR_W-1:0] at, oldest;
      logic              any;
      assign at     = ADDR_W'(f_here - f_ahead - 1'b1);
      assign oldest = slice[s].shift.oldest;
      assign any    = slice[s].shift.any;
      always_comb if (f_started) begin
        assert (f_here == (any ? COUNT_W'(oldest) + 1'b1 : '0));
        assert (any == (f_here != '0));
        assert (any || oldest == '0);
      end
      for (genvar b = 0; b < BITS; b++) begin : line
        logic [DEPTH-1:0] stage;
        assign stage = slice[s].shift.line[b].stage;
        always_comb if (f_started && f_followed && f_age == '0) assert (stage[at] == value[b]);
      end
    end else begin : f_memory
      localparam int SUM_W = ADDR_W + 2;
      logic [ADDR_W-1:0] write_ptr, read_ptr;
      logic [ SUM_W-1:0] filled_to, at;
      logic [COUNT_W-1:0] count;
      assign count     = slice[s].memory.count;
      assign write_ptr = slice[s].memory.write_ptr;
      assign read_ptr  = slice[s].memory.read_ptr;
      assign filled_to = SUM_W'(read_ptr) + SUM_W'(f_here);
      assign at        = SUM_W'(read_ptr) + SUM_W'(f_ahead);
      always_comb begin
        assume (32'(f_slot) < DEPTH);
        if (f_arrives) assume (f_slot == write_ptr);
        if (f_started) begin
          assert (count == f_here);
          assert (32'(read_ptr) < DEPTH);
          assert (SUM_W'(write_ptr) == ((32'(filled_to) >= DEPTH) ? filled_to - SUM_W'(DEPTH) : filled_to));
          if (f_followed && f_age == '0) assert (SUM_W'(f_slot) == ((32'(at) >= DEPTH) ? at - SUM_W'(DEPTH) : at));
        end
      end
      if (88'(STYLE) == 88'("distributed")) begin : distributed
        always_comb
          if (f_started && f_followed && f_age == '0) assert (slice[s].memory.distributed.ram[f_slot] == value);
      end else begin : block
        always_comb begin
          assume (\slice[0].memory.block.ram.f_at == f_slot);
          if (f_started && f_followed && f_age == '0) begin
            assert (\slice[0].memory.block.ram.f_known );
            assert (\slice[0].memory.block.ram.f_word == f_value);
          end
        end
      end
    end
  end
